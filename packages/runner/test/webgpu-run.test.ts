import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { hasWebgpu } from '../../backend/test/software-gpu.js';
import { beginningOf } from '../src/pipeline/checkpoint.js';
import { type Listener, silent } from '../src/pipeline/listener.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { trialOf } from '../src/pipeline/trial.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder, tinyCifar, tinyRecipe } from './fixtures.js';

vi.setConfig({ testTimeout: 300_000 });

describe.skipIf(!hasWebgpu)('a run on webgpu', () => {
  it('whose device is lost says so, and resumes to the same file', async () => {
    const home = folder();
    const small = (text: string): string =>
      text
        .replace('validation: 50, batchSize: 10', 'validation: 20, batchSize: 20')
        .replace('epochs: 3', 'epochs: 2')
        .replace('epochs: 4', 'epochs: 2')
        .replace('end: 3', 'end: 2')
        .replace('epochs: 2\n', 'epochs: 1\n');
    const file = tinyRecipe(home, tinyCifar(join(home, 'data'), 12), small);
    const run = async (out: string, resume = false, listener: Listener = silent): Promise<Buffer> => {
      const backend = await startBackend({ prefer: 'webgpu' });
      await runRecipe(await loadRecipe(file), { out: join(home, out), backend, resume, listener });
      return readFileSync(join(home, out, 'model.esp'));
    };
    const whole = await run('whole');
    let epochs = 0;
    const losing: Listener = {
      ...silent,
      epoch() {
        if (++epochs === 5) (tf.backend() as unknown as { device: { destroy(): void } }).device.destroy();
      },
    };
    await expect(run('lost', false, losing)).rejects.toMatchObject({
      code: 'device-lost',
      message: expect.stringContaining('--resume'),
    });
    expect((await beginningOf(join(home, 'lost'))).backend).toBe('webgpu');
    expect(Buffer.compare(await run('lost', true), whole)).toBe(0);
  });

  it('with a posterior trains, judges, thins and ends', { timeout: 240_000 }, async () => {
    const backend = await startBackend({ prefer: 'webgpu' });
    // Both priors train in the conformance tests; the one with more kernels is judged and thinned here.
    const home = folder();
    const bayesian = (text: string): string =>
      `${text.slice(0, text.indexOf('stages:'))}stages:
  - name: bayes
    epochs: 2
    schedules:
      - use: '@espalier/bayesian-layers#groupHorseshoe'
        options: { pruneFrom: 0.3, threshold: { conv/kernel: -20 } }
  - name: thin
    use: '@espalier/pruners-structured#thin'
  - name: tune
    epochs: 1
`
        .replace('validation: 50, batchSize: 10', 'validation: 20, batchSize: 20')
        .replace('    - flatten', '    - conv2d: { name: conv, filters: 4, kernelSize: 3 }\n    - flatten');
    const file = tinyRecipe(home, tinyCifar(join(home, 'data'), 12), bayesian);
    const out = join(home, 'out');
    await runRecipe(await loadRecipe(file), { out, backend, resume: false, listener: silent });
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    // All rates of the convolution are above its threshold: its filters went, but for one.
    const conv = report.tensors.find((t: { name: string }) => t.name === 'conv/kernel');
    expect(conv.shape).toEqual([3, 3, 3, 1]);
  });

  it('is measured by steps of its own model, which train', async () => {
    const home = folder();
    const trial = trialOf(await loadRecipe(tinyRecipe(home, tinyCifar(join(home, 'data'), 12))))!;
    const { step, dispose } = await trial(await startBackend({ prefer: 'webgpu' }));
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) losses.push(((await step()) as { loss: number }).loss);
    dispose();
    expect(losses[0]).toBeGreaterThan(1);
    expect(losses[4]).toBeLessThan(losses[0]);
  });
});
