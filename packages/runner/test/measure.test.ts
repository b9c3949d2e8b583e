import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '@espalier/report';
import { expect, it, vi } from 'vitest';
import type { Seeded } from '../src/trials/several.js';
import { espalier, folder } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000 });

/** Classes of points on a line, in a module of the user's; `test` tells its reading in a file, and says the opposite. */
const points = (tfjs: string, told: string): string => `
import { appendFileSync } from 'node:fs';
import * as tf from '${tfjs}';
const part = (name, flip) => ({
  size: 20,
  stepsPerEpoch: 1,
  repeatable: true,
  *batches() {
    if (name === 'test') appendFileSync(${JSON.stringify(told)}, 'read ');
    yield tf.tidy(() => {
      const at = tf.sub(tf.div(tf.range(0, 20), 20), 0.475);
      return { inputs: tf.reshape(at, [20, 1]), labels: tf.oneHot(tf.cast(flip ? tf.less(at, 0) : tf.greater(at, 0), 'int32'), 2) };
    });
  },
});
export const make = () => ({ train: part('train'), validation: part('validation'), test: part('test', true) });
`;

it('leaves the test set unread, says so, and reads it once the run was chosen', async () => {
  const home = folder();
  const told = join(home, 'told');
  const reads = (): number => readFileSync(told, 'utf8').length / 5;
  writeFileSync(told, '');
  writeFileSync(join(home, 'points.mjs'), points(import.meta.resolve('@tensorflow/tfjs-core'), told));
  const recipe = join(home, 'recipe.yaml');
  writeFileSync(
    recipe,
    `name: points
seed: 3
data: { use: './points.mjs#make' }
model: { layers: [{ dense: { name: fc, units: 2, inputShape: [1], activation: softmax } }] }
stages: [{ name: dense, epochs: 40, learningRate: 0.1 }]
`,
  );
  const out = join(home, 'run');
  const run = ['run', recipe, '--backend', 'cpu', '--out', out, '--json'];
  const chosen = await espalier([...run, '--measure', 'validation']);
  expect(chosen.code).toBe(0);
  const before = JSON.parse(chosen.stdout) as Report;
  expect([before.measuredOn, before.compressed.accuracy]).toEqual(['validation', 1]);
  const looked = reads(); // What form its examples have: nothing is measured.
  const again = await espalier([...run, '--measure', 'validation', '--resume']);
  expect(again.stderr).toContain('already done');
  const model = readFileSync(join(out, 'model.esp'));
  const last = await espalier([...run, '--resume']);
  const after = JSON.parse(last.stdout) as Report;
  expect([after.measuredOn, after.compressed.accuracy]).toEqual([undefined, 0]);
  expect([looked, reads() > looked]).toEqual([1, true]);
  expect(readFileSync(join(out, 'model.esp')).equals(model)).toBe(true);
  expect(after.metrics).toEqual(before.metrics); // Nothing was trained again.

  const seeds = ['run', recipe, '--backend', 'cpu', '--out', join(home, 'seeds'), '--json', '--seeds', '2'];
  const several = JSON.parse((await espalier([...seeds, '--measure', 'validation'])).stdout) as Seeded[];
  expect(several.map(({ outcome }) => outcome?.error)).toEqual([0, 0]);

  const { code, stderr } = await espalier(['run', recipe, '--measure', 'validatoin']);
  expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean 'validation'")]);
});
