import * as tf from '@tensorflow/tfjs-core';
import type { EspalierError } from '../errors.js';
import { isPruner, isQuantizer, isTransform } from '../plugin.js';
import { readLater } from '../read.js';
import type { Run } from '../run.js';
import type { RegularizerSession } from '../session.js';
import { packState } from '../state-file.js';
import { type Bench, epochs, type Trial } from './bench.js';
import { broken, checkInvariants } from './invariants.js';

/** One thing that is true of every plugin. */
export interface Rule {
  /** The rule, as a sentence. */
  readonly name: string;
  /** Whether it concerns plugins of this kind. Default: all that train. */
  readonly concerns?: (bench: Bench) => boolean;
  /** Throws where it is broken. */
  readonly try: (bench: Bench) => void | Promise<void>;
}

const same = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.every((bytes, i) => bytes.length === b[i].length && bytes.every((byte, j) => byte === b[i][j]));

/** Trains to the end and returns the bytes of everything. */
async function finished(trial: Trial): Promise<readonly Uint8Array[]> {
  while (!trial.trainer.done) await trial.trainer.nextEpoch();
  const bytes = await trial.bytes();
  trial.dispose();
  return bytes;
}

/** Tensors that work leaves behind. */
async function left(work: () => Promise<void>): Promise<number> {
  const { numTensors } = tf.memory();
  await work();
  return tf.memory().numTensors - numTensors;
}

/** What is true of every plugin, in the order in which it is tried. */
export const rules: readonly Rule[] = [
  {
    name: 'its name is in camelCase',
    concerns: () => true,
    try: ({ plugin: { name } }) => {
      if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) broken(`it is '${name}'`);
    },
  },
  {
    name: 'check changes nothing and leaves no tensor',
    concerns: ({ plugin }) => plugin.check !== undefined,
    async try(bench) {
      const run = await bench.run();
      const before = packState(await run.save());
      const leaves = await left(async () => bench.plugin.check?.(run, selected(bench, run)));
      const after = packState(await run.save());
      bench.end(run);
      if (leaves !== 0) broken(`${leaves} tensors are left`);
      if (!same([before], [after])) broken('the run is another one');
    },
  },
  {
    name: 'a session that is started and disposed leaves no tensor',
    concerns: () => true,
    async try(bench) {
      const leaves = await left(async () => {
        const run = await bench.run();
        const { parameters } = bench.options.schedule ?? {};
        (await run.start(bench.plugin, parameters === undefined ? {} : { parameters })).dispose();
        bench.end(run);
      });
      if (leaves !== 0) broken(`${leaves} are left`);
    },
  },
  {
    name: 'its sessions can be steered to a size, where it says so',
    concerns: ({ plugin }) => plugin.steers === true,
    async try(bench) {
      const run = await bench.run();
      const { parameters } = bench.options.schedule ?? {};
      const running = await run.start(bench.plugin, parameters === undefined ? {} : { parameters });
      const { steer } = running.session as RegularizerSession;
      running.dispose();
      bench.end(run);
      if (typeof steer !== 'function') broken('they have no steer');
    },
  },
  {
    name: 'training makes the same of the same seed, bit for bit',
    async try(bench) {
      const [first, second] = [await finished(await bench.trial()), await finished(await bench.trial())];
      if (!same(first, second)) broken('two runs differ');
    },
  },
  {
    name: 'a run that is killed after any epoch goes on from what was saved, bit for bit',
    async try(bench) {
      const whole = await bench.trial();
      const kept = [await whole.bytes()];
      while (!whole.trainer.done) {
        await whole.trainer.nextEpoch();
        kept.push(await whole.bytes());
      }
      whole.dispose();
      for (const [epoch, from] of kept.entries()) {
        const resumed = await bench.trial({ from });
        const loaded = await resumed.bytes();
        const end = await finished(resumed);
        if (!same(loaded, from)) broken(`what is saved after epoch ${epoch} is not what was loaded`);
        if (!same(end, kept[epochs])) broken(`resumed after epoch ${epoch}, it ends differently`);
      }
    },
  },
  {
    name: 'sessions of one plugin know nothing of each other',
    async try(bench) {
      const alone = await finished(await bench.trial());
      const [one, other] = [await bench.trial(), await bench.trial({ seed: 2 })];
      while (!one.trainer.done) {
        await one.trainer.nextEpoch();
        await other.trainer.nextEpoch();
      }
      const together = await one.bytes();
      one.dispose();
      other.dispose();
      if (!same(alone, together)) broken('beside another run it trains differently');
    },
  },
  {
    name: 'training does not add tensors from epoch to epoch, and leaves none',
    async try(bench) {
      const counts: number[] = [];
      const leaves = await left(async () => {
        const trial = await bench.trial();
        while (!trial.trainer.done) {
          await trial.trainer.nextEpoch();
          await trial.bytes();
          counts.push(tf.memory().numTensors);
        }
        trial.dispose();
      });
      if (leaves !== 0) broken(`${leaves} are left`);
      if (counts[epochs - 1] > counts[epochs - 2]) broken(`they number ${counts.join(', ')}`);
    },
  },
  {
    name: 'training that fails leaves no tensor',
    async try(bench) {
      for (const fails of [1, 4]) {
        const leaves = await left(async () => {
          const trial = await bench.trial({ fails });
          try {
            while (!trial.trainer.done) await trial.trainer.nextEpoch();
          } catch {
            // The data ended too early: that is the trial.
          }
          trial.dispose();
        });
        if (leaves !== 0) broken(`stopped at step ${fails}, ${leaves} are left`);
      }
    },
  },
  {
    name: 'a pruned weight is +0 after every epoch, a shared one its codebook entry',
    concerns: ({ plugin }) => isPruner(plugin) || isQuantizer(plugin),
    async try(bench) {
      const trial = await bench.trial();
      while (!trial.trainer.done) {
        await trial.trainer.nextEpoch();
        await checkInvariants(trial.run);
      }
      trial.dispose();
    },
  },
  {
    name: "a state that is not its own is refused as 'bad-state'",
    async try(bench) {
      const trial = await bench.trial();
      const { session } = trial.trainer.running[0];
      const saves = Object.keys((await session.save?.(readLater)) ?? {}).length > 0;
      trial.dispose();
      if (!saves) return;
      const run = await bench.run();
      try {
        const { parameters } = bench.options.schedule ?? {};
        const state = { json: 'of another plugin' };
        (await run.start(bench.plugin, { ...(parameters !== undefined && { parameters }), state })).dispose();
      } catch (error) {
        if ((error as EspalierError).code === 'bad-state') return;
        throw error;
      } finally {
        bench.end(run);
      }
      broken('it was taken');
    },
  },
  {
    name: 'a transform makes a model whose parameters are cuts of the old ones',
    concerns: ({ plugin }) => isTransform(plugin),
    async try(bench) {
      const run = await bench.run();
      const running = await run.start(bench.plugin, {
        parameters: bench.options.schedule?.parameters ?? '**',
      });
      const session = running.session as { apply?: (model: unknown) => Promise<unknown> };
      const { model: before } = run;
      const shapes = new Map(run.parameters.map((p) => [p.name, p.shape]));
      await run.replaceModel((await session.apply?.(before)) as never);
      for (const { name, shape } of run.parameters) {
        const old = shapes.get(name);
        if (old !== undefined && shape.some((n, axis) => n > old[axis])) {
          broken(`${name} has grown from [${old}] to [${shape}]`);
        }
      }
      running.dispose();
      if (run.model !== before) before.dispose();
      bench.end(run);
    },
  },
  {
    name: 'its factory refuses an option that there is not',
    concerns: ({ options }) => options.factory !== undefined,
    try({ options }) {
      try {
        options.factory?.({ 'no such option': 1 } as never);
      } catch (error) {
        const { code } = error as EspalierError;
        if (code === 'unknown-option' || code === 'invalid-option') return;
        throw error;
      }
      broken('it was taken');
    },
  },
];

function selected(bench: Bench, run: Run): ReturnType<Run['select']> {
  return run.select(bench.options.schedule?.parameters);
}
