/**
 * What a mask costs: a training step of LeNet-300-100 (batch 128, Adam) with 95 % of every kernel pruned over one
 * without masks. Both trainers live in one process and take turns of `--steps` steps, in changing order, so that
 * both get the same share of a busy machine. Prints JSON: medians over the turns, after one that does not count.
 *
 *   node bench/masked-step.mjs [--backend native|wasm|cpu] [--turns 201] [--steps 25]
 */
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { createTrainer, Run } from '@espalier/core';
import { lenet300, maskAtRandom, randomData } from './lib/lenet-300-100.mjs';
import { median, round } from './lib/numbers.mjs';

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    turns: { type: 'string', default: '201' },
    steps: { type: 'string', default: '25' },
  },
});
const turns = Number(options.turns);
const steps = Number(options.steps);
const batch = 128;
const sparsity = 0.95;

const backend = await startBackend({ prefer: options.backend });

const data = randomData(batch, steps);

async function trainer(masked) {
  const run = new Run(lenet300());
  if (masked) maskAtRandom(run, sparsity);
  const { optimizers, recorder } = backend;
  return createTrainer(run, {
    data,
    epochs: turns + 1,
    ...(optimizers && { optimizers }),
    ...(recorder && { recorder }),
  });
}

const plain = await trainer(false);
const masked = await trainer(true);
const times = { plain: [], masked: [] };
for (let turn = 0; turn <= turns; turn++) {
  const order = turn % 2 === 0 ? ['plain', 'masked'] : ['masked', 'plain'];
  for (const name of order) {
    const { seconds } = await (name === 'plain' ? plain : masked).nextEpoch();
    if (turn > 0) times[name].push((seconds / steps) * 1000);
  }
}
const ratios = times.masked.map((time, i) => time / times.plain[i]);
const result = {
  benchmark: 'masked-step',
  model: 'LeNet-300-100',
  batch,
  sparsity,
  backend: backend.name,
  versions: backend.versions,
  threads: backend.threads,
  turns,
  steps,
  plainMs: round(median(times.plain), 3),
  maskedMs: round(median(times.masked), 3),
  ratio: round(median(times.masked) / median(times.plain), 3),
  ratioOfPairs: round(median(ratios), 3),
  bar: 1.05,
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
