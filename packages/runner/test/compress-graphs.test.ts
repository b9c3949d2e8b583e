import '@tensorflow/tfjs-backend-cpu';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { writeNpy } from '@espalier/formats';
import { runCommand } from 'citty';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { GraphBuilder } from '../../compress/test/graphs.js';
import compress from '../src/commands/compress.js';
import { writePlain } from '../src/pipeline/plain.js';
import { folder } from './fixtures.js';

/** Runs the command; what it told on stdout and stderr, and what it threw. */
async function run(model: string, ...rest: string[]): Promise<{ out: string; esp: string; error?: Error }> {
  const esp = join(folder(), 'out.esp');
  let out = '';
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    }),
  );
  try {
    await runCommand(compress as never, { rawArgs: [model, '-o', esp, '--backend', 'cpu', ...rest] });
    return { out, esp };
  } catch (error) {
    return { out, esp, error: error as Error };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function written(build: (g: GraphBuilder) => void): Promise<string> {
  const g = new GraphBuilder();
  build(g);
  const dir = folder();
  await writePlain(dir, g.artifacts() as ModelArtifacts);
  return dir;
}

/** One that takes a flag, `training`, and a vector. */
let flagged: string;
beforeAll(async () => {
  flagged = await written((g) => {
    const y = g.dense('d1', g.input('x', [-1, 12]), 12, 8, 1);
    const half = g.node('half', 'Mul', [y, g.scalar('k', 0.5)]);
    g.node('y', 'SelectV2', [g.input('training', [], 'bool'), half, y]);
    g.output('y');
  });
});

test('values for inputs that take no examples: by name, from a file, or by default', async () => {
  const npy = join(folder(), 'on.npy');
  writeFileSync(npy, writeNpy([], Float32Array.of(1)));
  const differences = [];
  for (const rest of [[], ['--input', 'training=true'], ['--input', `training=${npy}`]]) {
    const { out, error } = await run(flagged, '--json', '--count', '8', '--quality', '40', ...rest);
    expect(error).toBeUndefined();
    const { peaks } = JSON.parse(out) as { peaks: number[] };
    differences.push(peaks[0]);
  }
  expect(differences[1] / differences[0]).toBeCloseTo(0.5, 5);
  expect(differences[2]).toBe(differences[1]);
});

test('a model that cannot be run has its weights compressed by themselves, and the message says why', async () => {
  const dir = await written((g) => {
    g.node('y', 'NoSuchOperation', [g.dense('d1', g.input('x', [-1, 30]), 30, 40, 1)]);
    g.output('y');
  });
  const { out, esp, error } = await run(dir);
  expect(error).toBeUndefined();
  expect(out).toContain('NoSuchOperation');
  expect(out).toContain('The weights were compressed by themselves');
  expect(out).toMatch(/SNR of the weights 4[5-7]\.\d+ dB/);
  expect(statSync(esp).size).toBeLessThan(2200);
  const size = await run(dir, '--size', '1.2kB', '--json');
  expect(JSON.parse(size.out)).toMatchObject({ met: true });
  // Inputs that somebody gave are another matter.
  const npy = join(folder(), 'x.npy');
  writeFileSync(npy, writeNpy([4, 30], new Float32Array(120)));
  const given = await run(dir, '--calibrate', npy);
  expect(given.error?.message).toContain('NoSuchOperation');
  expect(given.error).toMatchObject({ code: 'cannot-run' });
});

test('of what hardly varies and of what is chosen, the message says how it was measured', async () => {
  const dir = await written((g) => {
    const y = g.dense('d1', g.input('x', [-1, 12]), 12, 8, 1);
    g.node('class', 'ArgMax', [y, g.scalar('axis', 1, 'int32')], { output_type: { type: 'DT_INT64' } });
    g.output('class', 'int64');
  });
  const { out, error } = await run(dir, '--count', '8');
  expect(error).toBeUndefined();
  expect(out).toContain('Output class is chosen by the model: measured is what it chooses from.');
  const flat = await written((g) => {
    const y = g.dense('d1', g.input('x', [-1, 12]), 12, 8, 1);
    g.node('y', 'AddV2', [g.node('small', 'Mul', [y, g.scalar('k', 1e-6)]), g.scalar('c', 3)]);
    g.output('y');
  });
  expect((await run(flat, '--count', '8')).out).toMatch(/Output 0 hardly varies .*0\.0938; --peak/);
});

describe('what is given wrongly is an error by name, before anything is written', () => {
  test.each([
    ['--range 0..Infinity', "--range is '0..Infinity'"],
    ['--range NaN..1', '--range is'],
    ['--range 5..1', 'the lower one first'],
    ['--range ..', '--range is'],
    ['--range 0..1..2', '--range is'],
    ['--count 0', "--count is '0'"],
    ['--count -1', '--count is'],
    ['--count 1.5', 'a whole number from 1'],
    ['--count 1e9', '--count is'],
    ['--length -3', "--length is '-3'"],
    ['--length 0', '--length is'],
    ['--peak 0', '--peak is'],
    ['--peak Infinity', '--peak is'],
    ['--quality NaN', '--quality is'],
    ['--quality 1000', 'a number from 1 to 140'],
    ['--size 0', 'Give bytes'],
    ['--size -5kB', 'Give bytes'],
    ['--bits 0', '--bits is'],
    ['--quality 40 --size 9kB', 'both given'],
    ['--seed 1.5', '--seed is'],
    ['--seed -1', '--seed is'],
    ['--input training', 'name=value'],
    ['--input =1', 'name=value'],
    ['--input training=yes', 'name=value'],
    ['--input training=1 --input training=0', 'has a value already'],
    ['--input traning=1', "Did you mean 'training'?"],
    ['--calibrate nowhere', 'There is no nowhere'],
  ])('%s', async (line, message) => {
    const { error, esp } = await run(flagged, ...line.split(' '));
    expect(error?.message).toContain(message);
    expect(typeof (error as { code?: unknown }).code).toBe('string');
    expect(existsSync(esp)).toBe(false);
  });
});
