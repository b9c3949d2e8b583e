import { EspalierError, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { perceptron, toyData } from './helpers.js';
import { acting } from './plugins.js';

/** What a plugin may wrongly return: nothing, a promise, an array, a number, a tensor of another kind. */
const nothing: [string, Record<string, unknown>, RegExp][] = [
  ['penalty', { penalty: () => undefined }, /bad: penalty gave undefined/],
  ['penalty, later', { penalty: async () => tf.scalar(1) }, /bad: penalty gave a promise/],
  ['penalty per weight', { penalty: () => tf.zeros([3]) }, /bad: penalty gave a tensor of shape \[3\]/],
  ['penalty, a number', { penalty: () => 3 }, /bad: penalty gave 3/],
  ['penalty without gradients', { penalty: () => ({ value: tf.scalar(1) }) }, /bad: penalty gave a Object/],
  [
    'gradient of its shape',
    {
      penalty: () => ({
        value: tf.scalar(1),
        gradients: new Map([[{ name: 'w', shape: [2] }, tf.zeros([3])]]),
      }),
    },
    /bad: penalty gave a tensor of shape \[3\].*\n.*gradient of shape \[2\] for w/,
  ],
  ['forward', { forward: (_: unknown, pass: () => unknown) => void pass() }, /bad: forward gave undefined/],
  ['noise', { noise: () => undefined }, /bad: noise gave undefined/],
  ['masks', { masks: () => undefined }, /bad: masks gave undefined/],
  ['masks, a list', { masks: () => [tf.zeros([1])] }, /bad: masks gave a list/],
  ['masks of numbers', { masks: () => new Map([[{}, [0, 1]]]) }, /bad: masks gave a list/],
  ['quantize', { quantize: () => undefined }, /bad: quantize gave undefined/],
  ['quantize, tensors', { quantize: () => new Map([[{}, tf.zeros([6, 5])]]) }, /bad: quantize gave a tensor/],
];

test.each(nothing)('a plugin that returns no %s is named', async (_, methods, message) => {
  const run = new Run(perceptron());
  const plugin = acting('bad', methods as object);
  const options = { data: toyData({ size: 8 }), epochs: 1, schedules: [{ plugin }] };
  const error = await train(run, options).catch((e: Error) => e);
  expect(error).toBeInstanceOf(EspalierError);
  expect((error as EspalierError).code).toBe('bad-plugin');
  expect((error as Error).message).toMatch(message);
  if ('masks' in methods) expect(() => run.prune(plugin as never)).toThrow(message);
  if ('quantize' in methods) await expect(run.quantize(plugin as never)).rejects.toThrow(message);
});
