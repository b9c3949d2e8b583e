/**
 * A training step of LeNet-300-100 (batch 128, Adam) under a group prior, against the same step without one, and
 * what an epoch of 60,000 images takes. The two take turns, so that what else the machine does falls on both.
 * Prints JSON.
 *
 *   node bench/bayesian-step.mjs [--backend native|wasm|cpu] [--prior groupNormalJeffreys|groupHorseshoe]
 *     [--turns 9] [--steps 60]
 */
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { groupHorseshoe, groupNormalJeffreys } from '@espalier/bayesian-layers';
import { createTrainer, Run } from '@espalier/core';
import { lenet300, randomData } from './lib/lenet-300-100.mjs';
import { median, round } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    prior: { type: 'string', default: 'groupNormalJeffreys' },
    turns: { type: 'string', default: '9' },
    steps: { type: 'string', default: '60' },
  },
});
const [turns, steps] = [Number(values.turns), Number(values.steps)];
const priors = { groupNormalJeffreys, groupHorseshoe };
const batch = 128;
const backend = await startBackend({ prefer: values.backend });
const data = randomData(batch, steps);

async function trainer(bayesian) {
  const { optimizers, recorder } = backend;
  const prior = bayesian && priors[values.prior]({ pruneFrom: false, frames: false });
  return createTrainer(new Run(lenet300()), {
    data,
    epochs: turns + 1,
    ...(optimizers && { optimizers }),
    ...(recorder && { recorder }),
    ...(prior && { schedules: [{ plugin: prior }] }),
  });
}

const trainers = { plain: await trainer(false), bayesian: await trainer(true) };
const times = { plain: [], bayesian: [] };
// CPU time of all threads: what else the machine does hardly changes it.
const work = { plain: [], bayesian: [] };
for (let turn = 0; turn <= turns; turn++) {
  for (const name of turn % 2 === 0 ? ['plain', 'bayesian'] : ['bayesian', 'plain']) {
    const before = process.cpuUsage();
    const { seconds } = await trainers[name].nextEpoch();
    const { user, system } = process.cpuUsage(before);
    if (turn === 0) continue;
    times[name].push((seconds / steps) * 1000);
    work[name].push((user + system) / 1000 / steps);
  }
}
const ratios = times.bayesian.map((time, i) => time / times.plain[i]);
const result = {
  benchmark: 'bayesian-step',
  model: 'LeNet-300-100',
  prior: values.prior,
  batch,
  backend: backend.name,
  versions: backend.versions,
  threads: backend.threads,
  turns,
  steps,
  plainMs: round(median(times.plain), 3),
  bayesianMs: round(median(times.bayesian), 3),
  ratio: round(median(times.bayesian) / median(times.plain), 3),
  ratioOfPairs: round(median(ratios), 3),
  plainCpuMs: round(median(work.plain), 3),
  bayesianCpuMs: round(median(work.bayesian), 3),
  cpuRatio: round(median(work.bayesian) / median(work.plain), 3),
  epochCpuSeconds: round((median(work.bayesian) * Math.ceil(60000 / batch)) / 1000, 2),
  epochSeconds: round((median(times.bayesian) * Math.ceil(60000 / batch)) / 1000, 2),
  bars: { ratio: 3, epochSeconds: 5.9 },
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
