import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type BayesianLayer,
  bayesianConv2d,
  bayesianDense,
  exponentBits,
  gaussianKl,
  layerPosterior,
  logNormalGammaKl,
  logNormalInverseGammaKl,
  logUniformKl,
  paperRatios,
  roundTo,
  significandBits,
  unitRoundOff,
} from '../src/index.js';
import { drawOutputs, perExample } from '../src/internal/forward.js';
import { linearOf } from '../src/internal/linear.js';
import { relative, write } from './models.js';

type Nested = number | Nested[];
type Params = Record<string, Nested>;
interface Case {
  params: Params;
  x: Nested;
  log_dropout_rates: number[];
  kl_total: number;
  kl_grad: Params;
  forward_eval: Nested;
  forward_train: { eps_z: Nested; eps_act: Nested; y: Nested };
}
const load = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'));
const jeffreys = load('normal-jeffreys');
const horseshoe = load('horseshoe');
const tolerance = 2e-4;

const flat = (values: Nested): number[] => (typeof values === 'number' ? [values] : values.flatMap(flat));
const tensor = (values: Nested): tf.Tensor => tf.tensor(values as number[]);
/** PyTorch's [out, in] and OIHW are our [in, out] and HWIO; NCHW is our NHWC. */
const kernel = (values: Nested): tf.Tensor => {
  const t = tensor(values);
  return t.rank === 2 ? tf.transpose(t) : tf.transpose(t, [2, 3, 1, 0]);
};
const images = (values: Nested): tf.Tensor => {
  const t = tensor(values);
  return t.rank === 4 ? tf.transpose(t, [0, 2, 3, 1]) : t;
};
const data = (t: tf.Tensor): number[] => Array.from(t.dataSync());

function fill(layer: BayesianLayer, p: Params): void {
  write(layer.meanWeight, kernel(p.weight_mu));
  write(layer.logVariance, kernel(p.weight_logvar));
  write(layer.biasWeight!, flat(p.bias_mu));
  write(layer.biasLogVariance!, flat(p.bias_logvar));
}

function built(layer: BayesianLayer): tfl.LayersModel {
  return tfl.sequential({ layers: [layer] });
}

beforeAll(() => tf.setBackend('cpu'));

it('the KL of a scale that is nearly dropped does not cancel in float32', () => {
  const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];
  for (const logAlpha of [5, 8, 10, 12]) {
    const x = Math.fround(logAlpha);
    const exact = k1 / (1 + Math.exp(k2 + k3 * x)) + 0.5 * Math.log1p(Math.exp(-x));
    const ours = tf.tidy(() => logUniformKl(tf.scalar(x)).dataSync()[0]);
    expect(Math.abs(ours / exact - 1)).toBeLessThan(1e-5);
  }
});

describe('group normal-Jeffreys, against the authors’ layers', () => {
  const cases: [string, Case, () => BayesianLayer][] = [
    ['dense', jeffreys.LinearGroupNJ, () => bayesianDense({ units: 4, inputShape: [6] })],
    [
      'conv2d',
      jeffreys.Conv2dGroupNJ,
      () => bayesianConv2d({ filters: 3, kernelSize: 3, padding: 'same', inputShape: [5, 5, 2] }),
    ],
  ];
  for (const [name, golden, make] of cases) {
    const { params } = golden;
    const layer = make();
    const model = built(layer);
    fill(layer, params);
    write(layer.scale.scale_mean, flat(params.z_mu));
    write(layer.scale.scale_log_variance, flat(params.z_logvar));
    const x = images(golden.x);

    it(`${name}: log dropout rates and KL`, () => {
      expect(relative(layerPosterior(layer).rates, golden.log_dropout_rates)).toBeLessThan(tolerance);
      expect(layer.klDivergence().dataSync()[0] / golden.kl_total).toBeCloseTo(1, 4);
    });

    it(`${name}: gradients of the KL`, () => {
      const { meanWeight, biasWeight, logVariance, biasLogVariance, scale } = layer;
      const variables = [
        [meanWeight, kernel(golden.kl_grad.weight_mu)],
        [logVariance, kernel(golden.kl_grad.weight_logvar)],
        [biasWeight!, tensor(golden.kl_grad.bias_mu)],
        [biasLogVariance!, tensor(golden.kl_grad.bias_logvar)],
        [scale.scale_mean, tensor(golden.kl_grad.z_mu)],
        [scale.scale_log_variance, tensor(golden.kl_grad.z_logvar)],
      ] as const;
      const { grads } = tf.variableGrads(
        () => layer.klDivergence(),
        variables.map(([weight]) => weight.val),
      );
      for (const [weight, expected] of variables) {
        expect(relative(data(grads[weight.val.name]), data(expected))).toBeLessThan(tolerance);
      }
    });

    it(`${name}: mean outputs, and outputs for given noise`, () => {
      const mean = model.predict(x) as tf.Tensor;
      expect(relative(data(mean), data(images(golden.forward_eval)))).toBeLessThan(tolerance);
      const { eps_z, eps_act, y } = golden.forward_train;
      const scales = tf.add(
        tensor(params.z_mu),
        tf.mul(tensor(eps_z), tf.exp(tf.mul(tensor(params.z_logvar), 0.5))),
      );
      const linear = linearOf(layer);
      if (typeof linear === 'string') throw new Error(linear);
      const parts = {
        linear,
        side: layer.groups.side,
        mean: layer.meanWeight.val,
        variance: tf.exp(layer.logVariance.val),
        bias: layer.biasWeight!.val,
        biasVariance: tf.exp(layer.biasLogVariance!.val),
      };
      // Ours multiplies by z after the noise, theirs the deviation by |z|: the sign of z goes to the noise.
      let noise = images(eps_act);
      const shaped = tf.reshape(scales, perExample(x, layer.groups.count));
      if (layer.groups.side === 'outputs') noise = tf.mul(noise, tf.sign(shaped));
      const drawn = drawOutputs(x, shaped, parts, () => noise);
      expect(relative(data(drawn), data(images(y)))).toBeLessThan(tolerance);
    });
  }

  it('posterior moments', () => {
    const dense = cases[0][2]();
    built(dense);
    fill(dense, cases[0][1].params);
    write(dense.scale.scale_mean, flat(cases[0][1].params.z_mu));
    write(dense.scale.scale_log_variance, flat(cases[0][1].params.z_logvar));
    const { mean, variance } = layerPosterior(dense);
    const golden = jeffreys.LinearGroupNJ;
    expect(relative(mean, data(kernel(golden.post_weight_mu)))).toBeLessThan(tolerance);
    expect(relative(variance, data(kernel(golden.post_weight_var)))).toBeLessThan(tolerance);
    const conv = cases[1][2]();
    built(conv);
    fill(conv, cases[1][1].params);
    write(conv.scale.scale_mean, flat(cases[1][1].params.z_mu));
    write(conv.scale.scale_log_variance, flat(cases[1][1].params.z_logvar));
    const own = layerPosterior(conv);
    const { post_weight_mu_corrected: mu, post_weight_var_corrected: v } = jeffreys.Conv2dGroupNJ;
    expect(relative(own.mean, data(kernel(mu)))).toBeLessThan(tolerance);
    expect(relative(own.variance, data(kernel(v)))).toBeLessThan(tolerance);
  });

  it('variances are clipped where they count', () => {
    const { params, clipped_weight_logvar: clipped, clip_var } = jeffreys.LinearGroupNJ;
    const layer = bayesianDense({ units: 4, inputShape: [6], maxDeviation: Math.sqrt(clip_var) });
    built(layer);
    fill(layer, params);
    const same = bayesianDense({ units: 4, inputShape: [6] });
    built(same);
    fill(same, {
      ...params,
      weight_logvar: clipped,
      bias_logvar: jeffreys.LinearGroupNJ.clipped_bias_logvar,
    });
    expect(layer.klDivergence().dataSync()[0]).toBeCloseTo(same.klDivergence().dataSync()[0], 3);
  });

  it('the curve of the scales’ KL', () => {
    const { log_alpha, kl } = jeffreys.kl_z_curve;
    log_alpha.forEach((a: number, i: number) => {
      expect(Math.abs(logUniformKl(tf.scalar(a)).dataSync()[0] - kl[i])).toBeLessThan(1e-5 + 1e-4 * kl[i]);
    });
  });
});

describe('group horseshoe, against its closed forms', () => {
  it('KL of a log-normal from Gamma and inverse-Gamma', () => {
    for (const { mu, logvar, k, kl_gamma, kl_invgamma } of horseshoe.kl_terms) {
      expect(logNormalGammaKl(tf.scalar(mu), tf.scalar(logvar), k).dataSync()[0]).toBeCloseTo(kl_gamma, 3);
      const inverse = logNormalInverseGammaKl(tf.scalar(mu), tf.scalar(logvar)).dataSync()[0];
      expect(inverse / kl_invgamma).toBeCloseTo(1, 4);
    }
  });

  it('a layer: rates, moments, KL, mean outputs', () => {
    const golden = horseshoe.LinearGroupHS;
    const p: Params = golden.params;
    const layer = bayesianDense({ units: 3, inputShape: [5], prior: 'horseshoe', tau: golden.tau0 });
    const model = built(layer);
    fill(layer, p);
    write(layer.scale.global, [p.sa_mu, p.sa_logvar, p.sb_mu, p.sb_logvar] as number[]);
    write(layer.scale.alpha_mean, flat(p.alpha_mu));
    write(layer.scale.alpha_log_variance, flat(p.alpha_logvar));
    write(layer.scale.beta_mean, flat(p.beta_mu));
    write(layer.scale.beta_log_variance, flat(p.beta_logvar));
    const { rates, mean, variance } = layerPosterior(layer);
    expect(relative(rates, golden.neg_log_mode_z)).toBeLessThan(tolerance);
    expect(relative(mean, data(kernel(golden.post_weight_mu)))).toBeLessThan(tolerance);
    expect(relative(variance, data(kernel(golden.post_weight_var)))).toBeLessThan(tolerance);
    expect(layer.klDivergence().dataSync()[0]).toBeCloseTo(golden.kl_total, 2);
    expect(gaussianKl(tensor(p.weight_mu), tensor(p.weight_logvar)).dataSync()[0]).toBeCloseTo(
      golden.kl.weight,
      3,
    );
    const y = model.predict(tensor(golden.x)) as tf.Tensor;
    expect(relative(data(y), flat(golden.forward_mean_Ez))).toBeLessThan(tolerance);
  });
});

describe('precision, against compression.py', () => {
  const { compression } = jeffreys;

  it('round-offs, bits, rounding, exponents', () => {
    (compression['unit_round_off_t1..23'] as number[]).forEach((step, i) => {
      expect(unitRoundOff(i + 1)).toBe(step);
    });
    expect(compression.variances.map(significandBits)).toEqual(compression['float_precision(2*v)']);
    const { w, ...rounded } = compression.special_round;
    for (const [key, values] of Object.entries(rounded)) {
      expect(w.map((x: number) => roundTo(x, Number(key.slice(1))))).toEqual(values);
    }
    const { w: halves, t1 } = compression.special_round_halves;
    expect(halves.map((x: number) => roundTo(x, 1) + 0)).toEqual(t1.map((x: number) => x + 0));
    for (const [most, bits] of compression['exponent_bit(overflow)']) {
      expect(exponentBits(most)).toBe(typeof bits === 'number' && bits >= 1 ? bits : 1);
    }
  });

  it('the ratios of a net with masks', () => {
    const { network } = compression;
    const layers = network.params.map((p: Params, l: number) => {
      const z = flat(p.z_mu);
      const zv = flat(p.z_logvar).map(Math.exp);
      const rows = p.weight_mu as number[][];
      const mask = network.masks[l] as number[][];
      const lv = p.weight_logvar as number[][];
      const mean = rows.map((row, o) => row.map((w, i) => w * z[i] * mask[o][i]));
      const variance = rows.map((row, o) =>
        row.map((w, i) => {
          const s = Math.exp(lv[o][i]);
          return z[i] ** 2 * s + zv[i] * w ** 2 + zv[i] * s;
        }),
      );
      return {
        weights: mean.flat(),
        variances: variance.flat(),
        shape: [rows.length, rows[0].length],
        before: rows.flat().length,
      };
    });
    const { pruning, fastPrediction, bits, exponentBits: exponent } = paperRatios(layers);
    expect(pruning).toBeCloseTo(network.CR_architecture, 10);
    expect(bits).toEqual(network.significant_bits_mean);
    expect(exponent).toBe(network.exponent_bit);
    expect(fastPrediction).toBeCloseTo(network.CR_fast_inference, 10);
  });
});
