/**
 * A whole run of a recipe beside the bare step of its model: images a second of the stages that train, with their data, validation,
 * plugins and checkpoints, over those of steps with one batch that is there already, timed in the same process in turn with the
 * runs. A stage's time is from its beginning to that of the next, the last one's to the packing of the file; what is done beside training
 * (checkpoints, the packing of stages) is in the processor's time, and in the wall's where it is waited for. Prints JSON, by the wall and by the processor (all threads): `share` is run / bare, least and median of the turns; `stages`
 * are milliseconds an epoch.
 *
 *   node bench/epoch.mjs [recipe] [--set stages.0.epochs=3]… [--backend native] [--turns 3] [--steps 400]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { createTrainer, disposeModel, Run } from '@espalier/core';
import { loadRecipe, modelFrom, readArtifacts, runRecipe, silent } from '@espalier/runner';
import * as tf from '@tensorflow/tfjs-core';
import { median, round } from './lib/numbers.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    set: { type: 'string', multiple: true, default: [] },
    backend: { type: 'string', default: 'native' },
    turns: { type: 'string', default: '3' },
    steps: { type: 'string', default: '400' },
  },
});
const [turns, steps] = [Number(values.turns), Number(values.steps)];
const backend = await startBackend({ prefer: values.backend });
const [file = 'examples/lenet-300-100/recipe.yaml'] = positionals;
const loaded = await loadRecipe(file, { set: values.set });
const { batchSize = 32 } = loaded.recipe.data;

const now = () => {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
};
const since = (before) => {
  const after = now();
  return { wall: after.wall - before.wall, cpu: after.cpu - before.cpu };
};

/** A run of the recipe: milliseconds and images of its stages that train. */
async function runOnce() {
  const out = mkdtempSync(join(tmpdir(), 'espalier-epoch-'));
  const stages = [];
  let began;
  const end = () => {
    const last = stages.at(-1);
    if (last !== undefined) last.time ??= since(began);
  };
  const listener = {
    ...silent,
    info: (line) => line === 'Packing' && end(),
    stage(name) {
      end();
      stages.push({ name, epochs: 0, steps: 0, wait: 0 });
      began = now();
    },
    step: ({ step, steps }) => {
      if (step === steps) stages.at(-1).steps += steps;
    },
    epoch: ({ wait }) => {
      stages.at(-1).epochs++;
      stages.at(-1).wait += wait;
    },
  };
  const whole = now();
  await runRecipe(loaded, { out, backend, listener });
  const dense = await readArtifacts(join(out, 'tfjs'));
  rmSync(out, { recursive: true });
  return {
    whole: since(whole),
    stages: stages.filter(({ epochs }) => epochs > 0),
    artifacts: dense.artifacts,
  };
}

/** Milliseconds a step with a batch that stays. */
async function bareSteps(artifacts) {
  const model = await modelFrom(artifacts);
  const inputs = tf.randomUniform([batchSize, ...model.inputs[0].shape.slice(1)], 0, 1, 'float32', 1);
  const classes = model.outputs[0].shape.at(-1);
  const labels = tf.tidy(() => {
    const indices = Int32Array.from({ length: batchSize }, (_, i) => i % classes);
    return tf.cast(tf.oneHot(indices, classes), 'float32');
  });
  const data = {
    size: batchSize * steps,
    stepsPerEpoch: steps,
    *batches() {
      for (let s = 0; s < steps; s++) yield { inputs: tf.clone(inputs), labels: tf.clone(labels) };
    },
  };
  const { optimizers, recorder } = backend;
  const trainer = await createTrainer(new Run(model), {
    data,
    epochs: 3,
    ...(optimizers && { optimizers }),
    ...(recorder && { recorder }),
  });
  await trainer.nextEpoch();
  const before = now();
  await trainer.nextEpoch();
  const { wall, cpu } = since(before);
  trainer.dispose();
  disposeModel(model);
  tf.dispose([inputs, labels]);
  return { wall: wall / steps, cpu: cpu / steps };
}

const bare = [];
const runs = [];
for (let turn = 0; turn < turns; turn++) {
  const run = await runOnce();
  runs.push(run);
  bare.push(await bareSteps(run.artifacts));
}
const least = (list) => Math.min(...list);
const figures = (list, digits) => ({
  least: round(least(list), digits),
  median: round(median(list), digits),
});
const perStep = (of) =>
  runs.map(({ stages }) => {
    const sum = (value) => stages.reduce((total, stage) => total + value(stage), 0);
    return sum(({ time }) => time[of]) / sum((stage) => stage.steps);
  });
const result = {
  benchmark: 'epoch',
  recipe: file,
  batch: batchSize,
  backend: backend.name,
  threads: backend.threads,
  turns,
};
for (const of of ['wall', 'cpu']) {
  const [run, alone] = [perStep(of), bare.map((time) => time[of])];
  result[of] = {
    bareStepMs: figures(alone, 3),
    runStepMs: figures(run, 3),
    share: { least: round(least(alone) / least(run), 3), median: round(median(alone) / median(run), 3) },
  };
}
result.stages = runs.at(-1).stages.map(({ name, epochs, time, wait }) => ({
  name,
  epochs,
  wallMs: round(time.wall / epochs, 0),
  cpuMs: round(time.cpu / epochs, 0),
  waitMs: round((1000 * wait) / epochs, 0),
}));
result.wholeSeconds = {
  wall: runs.map(({ whole }) => round(whole.wall / 1000, 1)),
  cpu: runs.map(({ whole }) => round(whole.cpu / 1000, 1)),
};
console.log(JSON.stringify(result, null, 2));
