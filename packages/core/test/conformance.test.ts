import './helpers.js';
import type { Plugin, Session } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { gradual, learntDecay, magnitudeMask, observer, rounding, starting, wandering } from './plugins.js';

describe('plugins that are as they should be', () => {
  const good: Record<string, () => Plugin> = {
    'a pruner with state': () => gradual(0.6),
    'one that revives': wandering,
    'a quantizer': rounding,
    'a regularizer with a variable': learntDecay,
    'an observer': () => observer(() => undefined),
  };
  test.each(Object.keys(good))('%s', async (what) => {
    const { numTensors } = tf.memory();
    const tried = await conformance(good[what]());
    expect(tried.length).toBeGreaterThan(6);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

describe('plugins that are not', () => {
  const masks = (of: Parameters<Plugin['start']>[1], share: number) =>
    new Map(of.map((p) => [p, magnitudeMask(p, share)]));
  let fired = 0;
  const bad: Record<string, [Plugin<Session>, RegExp]> = {
    'a name of its own kind': [{ ...gradual(0.5), name: 'my-pruner' }, /camelCase: it is 'my-pruner'/],
    'a wheel that is not there': [{ ...learntDecay(), steers: true }, /where it says so: they have no steer/],
    'a memory in the plugin': [
      starting('shared', ['pruner'], (_, of) => ({ masks: () => masks(of, (fired++ % 9) / 10) })),
      /the same of the same seed.*\n.*killed after any epoch.*\n.*know nothing of each other/,
    ],
    'a memory that is not saved': [
      starting('forgetful', ['pruner'], (_, of) => {
        let own = 0;
        return { masks: () => masks(of, own++ / 10) };
      }),
      /not as plugins are:\n {2}- a run that is killed after any epoch[^\n]*$/,
    ],
    'a tensor that stays': [
      starting('leaking', ['observer'], () => {
        const kept = tf.scalar(1);
        return { observe: () => void tf.keep(tf.add(kept, 1)) };
      }),
      /disposed leaves no tensor: 1 are left.*\n.*epoch to epoch, and leaves none: \d+ are left.*\n.*fails/,
    ],
    'a mask between 0 and 1': [
      starting('soft', ['pruner'], (_, of) => ({
        masks: () => new Map(of.map((p) => [p, tf.fill(p.shape as number[], 0.5)])),
      })),
      /holds 0\.5/,
    ],
    'a check that does something': [
      { ...gradual(0.5), check: (run) => run.setMask(run.select()[0], magnitudeMask(run.select()[0], 0.5)) },
      /check changes nothing and leaves no tensor: 2 tensors/,
    ],
    'a state of any kind taken': [
      starting('trusting', ['observer'], () => ({ observe: () => undefined, save: () => ({ json: 1 }) })),
      /'bad-state': it was taken/,
    ],
  };
  test.each(Object.keys(bad))('%s', async (what) => {
    const [plugin, message] = bad[what];
    await expect(conformance(plugin)).rejects.toThrow(message);
  });

  test('a plugin that changes', async () => {
    const plugin = { ...observer(() => undefined), count: 0 };
    const start: Plugin['start'] = () => {
      plugin.count++;
      return { observe: () => undefined };
    };
    await expect(conformance(Object.assign(plugin, { start }))).rejects.toThrow(/never changes: count did/);
  });

  test('a factory that takes any option', async () => {
    const factory = () => observer(() => undefined);
    await expect(conformance(factory(), { factory })).rejects.toThrow(
      /an option that there is not: it was taken/,
    );
  });
});
