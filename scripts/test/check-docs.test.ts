import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { undocumented } from '../check-docs.mjs';

const faultsOf = (source: string, ...examples: string[]): string[] => {
  const folder = join(mkdtempSync(join(tmpdir(), 'espalier-docs-')), 'src');
  mkdirSync(folder);
  const file = join(folder, 'index.ts');
  writeFileSync(file, source);
  const { faults } = undocumented(
    [{ from: '@espalier/mine', file }],
    examples.map((code) => ({ code })),
  );
  return faults.sort().map((fault) => fault.replace(/^\S*\/src\//, ''));
};

it('asks for a description of every name, and for an example of what is called', () => {
  expect(
    faultsOf(`export interface Plain {}
/** Told of. */
export interface Told {}
/** Doubles. */
export function twice(n: number): number { return 2 * n; }
/** Halves.
 * @example
 * half(2)
 */
export function half(n: number): number { return n / 2; }
/** Thrown. */
export class MineError extends Error {}
`),
  ).toEqual(['index.ts:1  Plain has no description', 'index.ts:5  twice is in no example']);
});

it('takes an example of elsewhere that imports the name, whatever it calls it', () => {
  const source = '/** Doubles. */\nexport function twice(n: number): number { return 2 * n; }\n';
  expect(faultsOf(source, "import { twice as double } from '@espalier/mine';")).toEqual([]);
  expect(faultsOf(source, "import { twice } from '@espalier/other';")).toEqual([
    'index.ts:2  twice is in no example',
  ]);
});
