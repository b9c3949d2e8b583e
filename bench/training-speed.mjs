/**
 * A step of training, batch 128 (32 for MobileNet v2), Adam: PyTorch where it is installed, TF.js's own `model.fit`, and our trainer, in
 * processes of their own that take turns, so that all get the same share of a busy machine. Prints JSON: milliseconds a
 * step of the wall and of the processor (all threads), least and median of the turns; `againstTorch` is how many images a second
 * we make for each of PyTorch's, median of the turns, and of the least times. A turn of each is for warming up.
 *
 *   node bench/training-speed.mjs [--backend native|wasm|cpu] [--models mlp,lenet5,resnet8,vgg,gru,mobilenet] [--threads 1,2]
 *     [--turns 8] [--rivals torch,stock] [--python python3]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, round } from './lib/numbers.mjs';
import { startRival } from './lib/rival.mjs';
import { batchSizeOf, NETS, STEPS } from './speed/nets.mjs';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    models: { type: 'string', default: Object.keys(NETS).join() },
    threads: { type: 'string', default: '1,2' },
    turns: { type: 'string', default: '8' },
    rivals: { type: 'string', default: 'torch,stock' },
    python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
  },
});
const turns = Number(values.turns);
const script = (name) => fileURLToPath(new URL(`speed/${name}`, import.meta.url));

/** How each is started for a model and a number of threads. */
const programs = {
  ours: (model) => [process.execPath, [script('ours.mjs'), model, values.backend, batchSizeOf(model)]],
  torch: (model, threads) => [values.python, [script('torch_steps.py'), model, batchSizeOf(model), threads]],
  stock: (model) => [process.execPath, [script('stock.mjs'), model, values.backend, batchSizeOf(model)]],
};

/** The times of all who can train the model, by who. */
async function race(model, threads) {
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: threads, OMP_NUM_THREADS: threads };
  const racers = [];
  const missing = {};
  for (const who of ['ours', ...values.rivals.split(',').filter(Boolean)]) {
    try {
      const [command, args] = programs[who](model, threads);
      const rival = await startRival(command, args.map(String), { env });
      await rival.ask(STEPS[model]); // Compiles, records, warms up.
      racers.push({ who, rival, times: [] });
    } catch (error) {
      missing[who] = error.message;
    }
  }
  for (let turn = 0; turn < turns; turn++) {
    const order = turn % 2 === 0 ? racers : [...racers].reverse();
    for (const { rival, times } of order) times.push(await rival.ask(STEPS[model]));
  }
  await Promise.all(racers.map(({ rival }) => rival.end()));
  return { racers, missing };
}

const least = (times) => Math.min(...times);
const environment = {};
const results = [];
for (const model of values.models.split(',')) {
  for (const threads of values.threads.split(',')) {
    const { racers, missing } = await race(model, threads);
    const row = { model, batch: batchSizeOf(model), threads: Number(threads) };
    const times = {};
    for (const { who, rival, times: own } of racers) {
      Object.assign(environment, rival.ready);
      times[who] = { wall: own.map((t) => t.wall), cpu: own.map((t) => t.cpu) };
      row[who] = Object.fromEntries(
        Object.entries(times[who]).map(([of, list]) => [
          of,
          { least: round(least(list), 3), median: round(median(list), 3) },
        ]),
      );
    }
    for (const [who, key] of [
      ['torch', 'againstTorch'],
      ['stock', 'againstStock'],
    ]) {
      if (!times[who] || !times.ours) continue;
      row[key] = Object.fromEntries(
        ['wall', 'cpu'].map((of) => {
          const [theirs, ours] = [times[who][of], times.ours[of]];
          const ratio = median(theirs.map((time, i) => time / ours[i]));
          return [of, { median: round(ratio, 2), least: round(least(theirs) / least(ours), 2) }];
        }),
      );
    }
    if (Object.keys(missing).length > 0) row.missing = missing;
    results.push(row);
  }
}
const { ready, ...versions } = environment;
delete versions.threads;
console.log(
  JSON.stringify(
    { benchmark: 'training-speed', node: process.version, ...versions, turns, results },
    null,
    2,
  ),
);
