import '@tensorflow/tfjs-backend-cpu';
import { type Parameter, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { checkKernel, groupsFor, sizesOf, startNumbers, startOf } from '../src/internal/layer-start.js';
import { scalePriors } from '../src/math/scale-priors.js';
import { resolve } from '../src/options.js';
import { close, write } from './known-posterior.js';

/** Rows of mean squares 12.5, 0 and 1. */
const values = [3, -4, 0, 0, 1, 1];
const dense = (useBias = true): Parameter[] => {
  const layer = tfl.layers.dense({ name: 'fc', units: 2, inputShape: [3], useBias });
  const { parameters } = new Run(tfl.sequential({ layers: [layer] }));
  write(parameters[0].variable, values);
  return [...parameters];
};
const begin = ([kernel, bias]: readonly Parameter[], options: object, horseshoe = false) => {
  const own = resolve('test', options, horseshoe);
  const seen = tf.tidy(() => {
    const { square, groups } = startOf(kernel, own);
    return { square: square.dataSync(), groups: groups.dataSync() } as unknown as Parameters<
      typeof startNumbers
    >[3];
  });
  return startNumbers(kernel, bias, own, seen);
};

it('a posterior starts with a part of the weights’ size', () => {
  const { variables, dropped } = begin(dense(), { start: { deviation: 0.1, scale: -5 } });
  const log = 2 * Math.log(0.1 * Math.sqrt(27 / 6));
  close(variables.logVariance, Array(6).fill(log));
  close(variables.biasLogVariance, [log, log]);
  close(variables.logRate, [-5, -5, -5]);
  expect([...dropped]).toEqual([0, 0, 0]);
  expect(Object.keys(variables)).toEqual(['logVariance', 'biasLogVariance', 'logRate']);
  expect(begin(dense(false), {}).variables).not.toHaveProperty('biasLogVariance');
  expect(begin(dense(), { structure: 'outputs' }).variables.logRate).toHaveLength(2);
});

it('a horseshoe starts with scales of the groups’ own sizes', () => {
  const { variables } = begin(dense(), {}, true);
  const noise = 0.04 * (27 / 6); // (0.2 of the root mean square)²
  const scale = Object.fromEntries(
    Object.keys(scalePriors.horseshoe.variables).map((key) => [key, tf.tensor1d(variables[key])]),
  );
  const { mean } = scalePriors.horseshoe.moments(scale);
  close(
    mean.dataSync(),
    [12.5, 0, 1].map((square) => Math.sqrt(square + noise)),
    3,
  );
});

it('weights that are all 0 start as if they were of 0.01', () => {
  const [kernel, bias] = dense();
  write(kernel.variable, Array(6).fill(0));
  close(begin([kernel, bias], {}).variables.logVariance, Array(6).fill(2 * Math.log(0.2 * 0.01)));
});

it('a posterior has so many numbers', () => {
  const [kernel, bias] = dense();
  const sizes = (horseshoe: boolean, own?: Parameter) => sizesOf(kernel, own, resolve('test', {}, horseshoe));
  expect(sizes(false, bias)).toEqual({ logVariance: 6, biasLogVariance: 2, logRate: 3, dropped: 3 });
  expect(sizes(false)).toEqual({ logVariance: 6, logRate: 3, dropped: 3 });
  expect(sizes(true)).toMatchObject({
    logVariance: 6,
    global: 4,
    alpha_mean: 3,
    beta_log_variance: 3,
    dropped: 3,
  });
  expect(sizes(true)).not.toHaveProperty('logRate');
});

it('kernels, depthwise ones too, are taken, and nothing else', () => {
  const { parameters } = new Run(
    tfl.sequential({
      layers: [
        tfl.layers.depthwiseConv2d({ name: 'd', kernelSize: 2, depthMultiplier: 3, inputShape: [3, 3, 2] }),
        tfl.layers.batchNormalization({ name: 'n' }),
      ],
    }),
  );
  const [deep, bias, gamma] = parameters;
  expect(typeof checkKernel('test', deep)).toBe('function');
  expect(groupsFor(deep, resolve('test', {}, false)).count).toBe(6);
  expect(groupsFor(deep, resolve('test', { structure: { 'd/*': 'inputs' } }, false)).count).toBe(2);
  expect(() => checkKernel('test', bias)).toThrow('test cannot take d/bias: it is a bias weight');
  expect(() => checkKernel('test', gamma)).toThrow(expect.objectContaining({ code: 'unsupported-layer' }));
  const [kernel] = dense();
  expect(groupsFor(kernel, resolve('test', {}, false)).side).toBe('inputs');
});
