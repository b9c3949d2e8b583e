import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flowers, write } from '../../datasets/test/made.js';
import { called, hasPostgres, Postgres } from '../../fleet/test/postgres.js';
import { neededBy, rooted } from '../src/fleet/files-of.js';
import { needsOf, objectionTo } from '../src/fleet/needs.js';
import type { Trial } from '../src/pipeline/search/rank.js';
import { folder } from './fixtures.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** A recipe with a table, and a plugin and a loss of its own beside it. */
function home(epochs = 2): string {
  const at = folder();
  mkdirSync(join(at, 'recipes'));
  mkdirSync(join(at, 'plugins'));
  flowers(join(at, 't.csv'), 60);
  writeFileSync(join(at, 'plugins', 'half.mjs'), 'export const half = 0.5;');
  writeFileSync(
    join(at, 'plugins', 'own.mjs'),
    `import { half } from './half.mjs';
import { level } from '@espalier/pruners';
export const own = ({ more }) => level({ sparsity: half + more });`,
  );
  write(
    join(at, 'recipes', 'recipe.yaml'),
    `name: far
seed: 3
data: { csv: ../t.csv, target: kind, batchSize: 8 }
model: { layers: [{ dense: { units: 8, activation: relu } }, { dense: { units: 2, activation: softmax } }] }
stages:
  - { name: dense, epochs: 2, learningRate: 0.02 }
  - { name: longer, epochs: ${epochs}, learningRate: 0.01 }
  - { name: prune, use: '../plugins/own.mjs#own', options: { more: 0.1 }, parameters: '**/kernel' }
search:
  paths:
    stages.longer.learningRate: { from: 0.001, to: 0.1, scale: log }
    stages.prune.options.more: { from: 0, to: 0.4 }
`,
  );
  return at;
}

describe('what travels', () => {
  it('is what a recipe names: data, plugins and what they import; absolute paths are where all see them', async () => {
    const at = home();
    const recipe = join(at, 'recipes', 'recipe.yaml');
    const { files, packages } = await neededBy({ kind: 'recipe', file: recipe, set: [], measure: 'test' });
    const of = rooted(files, join(at, 'recipes'));
    expect(of).toMatchObject({ root: at, folder: 'recipes' });
    expect(of.paths.sort()).toEqual(['plugins/half.mjs', 'plugins/own.mjs', 'recipes/recipe.yaml', 't.csv']);
    expect([...packages]).toEqual(['@espalier/pruners']);
    const set = [`data.csv=${join(at, 't.csv')}`];
    const absolute = await neededBy({ kind: 'recipe', file: recipe, set, measure: 'test' });
    expect(absolute.files.has(join(at, 't.csv'))).toBe(false);
    const none = neededBy({ kind: 'recipe', file: recipe, set: ['data.csv=none.csv'], measure: 'test' });
    await expect(none).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('none.csv'),
    });
  });

  it('is nothing outside of the folder of a model from anywhere', async () => {
    const at = home();
    const recipe = join(at, 'recipes', 'recipe.yaml');
    const model = join(at, 'recipes', 'model.json');
    const task = { kind: 'recipe', file: recipe, set: ['model=./model.json'], measure: 'test' } as const;
    writeFileSync(join(at, 'recipes', 'w.bin'), '');
    writeFileSync(model, JSON.stringify({ weightsManifest: [{ paths: ['w.bin'] }] }));
    expect((await neededBy(task)).files).toContain(join(at, 'recipes', 'w.bin'));
    writeFileSync(model, JSON.stringify({ weightsManifest: [{ paths: ['../plugins/half.mjs'] }] }));
    await expect(neededBy(task)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('outside of its folder'),
    });
  });

  it('is refused by name where versions, the backend or a package are not the same', () => {
    const needs = needsOf(['@espalier/pruners', 'quantize-kmeans'], 'native', '.');
    expect(Object.keys(needs.versions)).toContain('@espalier/quantize-kmeans');
    expect(objectionTo(needs, 'native')).toBeUndefined();
    expect(objectionTo(needs, 'cpu')).toBe('the backend native is asked for, cpu is here');
    const other = (versions: Record<string, string>): string | undefined =>
      objectionTo({ backend: 'cpu', versions }, 'cpu');
    expect(other({ '@espalier/pruners': '9.9.9' })).toMatch(/^@espalier\/pruners 9.9.9 is asked for, 0/);
    expect(other({ 'no-such-package': '1.0.0' })).toMatch(/no-such-package 1.0.0 .* not installed here/);
    expect(other({ node: '8' })).toMatch(/^node 8 is asked for/);
  });
});

describe.skipIf(!hasPostgres)(called, () => {
  let postgres: Postgres;
  const children = new Set<ChildProcess>();
  beforeAll(async () => {
    postgres = await Postgres.start();
  }, 180_000);
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await postgres?.stop();
  });

  /** A process of the command, and what it has said. */
  function started(
    args: readonly string[],
    cwd: string,
  ): { child: ChildProcess; said(): string; end: Promise<number> } {
    const child = spawn(process.execPath, [cli, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ESPALIER_FLEET: postgres.url,
        ESPALIER_FLEET_KEY: 'a key for tests, as long as it has to be',
        PGPASSWORD: 'a-secret-word',
      },
    });
    children.add(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        said += chunk;
      });
    }
    const end = new Promise<number>((done) => child.once('close', (code) => done(code ?? -1)));
    return { child, said: () => said, end };
  }

  it('a search comes to what it comes to in this process, though workers are killed', async () => {
    const at = home(60);
    // Workers run elsewhere, and see none of the recipe's files; packages they see are those of this repository.
    const elsewhere = resolve(fileURLToPath(new URL('..', import.meta.url)));
    symlinkSync(join(elsewhere, 'node_modules'), join(at, 'node_modules'));
    const here = ['search', 'recipe.yaml', '--trials', '3', '--backend', 'cpu', '--out', '../alone'];
    const alone = started(here, join(at, 'recipes'));
    expect([await alone.end, alone.said()]).toEqual([0, expect.stringContaining('Best: trial')]);
    const worker = ['worker', '--backend', 'cpu', '--lease', '3'];
    const first = started([...worker, '--name', 'first'], elsewhere);
    const args = ['search', 'recipe.yaml', '--trials', '3', '--backend', 'cpu', '--fleet', postgres.url];
    const search = started([...args, '--study', 'a-study', '--out', '../far'], join(at, 'recipes'));
    const deadline = Date.now() + 120_000;
    while (!/Trial \d/.test(first.said()) && Date.now() < deadline)
      await new Promise((r) => setTimeout(r, 50));
    first.child.kill('SIGKILL');
    const second = started([...worker, '--parallel', '2', '--name', 'second'], elsewhere);
    expect([await search.end, search.said()]).toEqual([0, expect.stringContaining('Best: trial')]);
    const status = started(['fleet', 'status'], at);
    expect(await status.end).toBe(0);
    expect(status.said()).toMatch(/a-study +0 +0 +3 +0 +0/);
    expect(status.said()).toMatch(/second .* cpu/);
    const json = (file: string): { trials: Trial[] } => JSON.parse(readFileSync(file, 'utf8'));
    const all = (of: readonly Trial[]): unknown[] =>
      [...of]
        .sort((a, b) => a.trial - b.trial)
        .map(({ trial, values, error, bytes }) => [trial, values, error, bytes]);
    expect(all(json(join(at, 'far', 'search.json')).trials)).toEqual(
      all(json(join(at, 'alone', 'search.json')).trials),
    );
    for (const trial of ['0-0', '1-0', '2-0']) {
      const file = (out: string): Buffer => readFileSync(join(at, out, 'trials', trial, 'model.esp'));
      expect(file('far').equals(file('alone'))).toBe(true);
      expect(existsSync(join(at, 'far', 'trials', trial, 'report.html'))).toBe(true);
    }
    const drained = started(['fleet', 'drain', 'second'], at);
    expect([await drained.end, drained.said()]).toEqual([0, '1 workers are draining\n']);
    expect(await second.end).toBe(0);
    const everything = [first, second, search, status].map(({ said }) => said()).join('\n');
    expect(everything).not.toMatch(/a-secret-word|a key for tests/);
    const wrong = started(['fleet', 'retry'], at);
    expect([await wrong.end, wrong.said()]).toEqual([2, expect.stringContaining('retry of which study?')]);
  }, 300_000);
});
