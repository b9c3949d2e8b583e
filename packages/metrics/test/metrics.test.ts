import '@tensorflow/tfjs-backend-cpu';
import { type Batch, type Data, evaluate, type Losses, type Metric, type MetricInput } from '@espalier/core';
import {
  accuracy,
  auc,
  bitsPerToken,
  dice,
  f1,
  iou,
  type MetricUse,
  mae,
  metricNames,
  metricOf,
  nearestMetric,
  ownMetric,
  precision,
  psnr,
  r2,
  recall,
  rmse,
  ssim,
  topK,
} from '@espalier/metrics';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';

type Nested = number[] | number[][] | number[][][];

/** The value of a metric over batches of labels and outputs, `[labels, outputs, weights?]`. */
function measured(
  metric: Metric,
  batches: readonly (readonly [labels: Nested, outputs: Nested, weights?: number[]])[],
  input: Partial<MetricInput> = {},
): { value: number; perClass: readonly number[] | undefined } {
  const measurement = metric.start();
  for (const [labels, outputs, weights] of batches) {
    tf.tidy(() => {
      const given = { labels: tf.tensor(labels), outputs: tf.tensor(outputs) };
      const looked = measurement.look({ task: 'classes', threshold: 0.5, ...given, ...input });
      measurement.add(
        looked.map((t) => Float32Array.from(t.dataSync())),
        weights && Float32Array.from(weights),
      );
    });
  }
  return { value: measurement.value(), perClass: measurement.perClass?.() };
}

const value = (...given: Parameters<typeof measured>): number => measured(...given).value;

describe('over the whole set, not a mean of batches', () => {
  test('rmse', () => {
    // Errors 0 0 0 and 4: sqrt(16 / 4); the mean of the batches' roots would be 2.
    const batches = [
      [
        [[1], [2], [3]],
        [[1], [2], [3]],
      ],
      [[[4]], [[8]]],
    ] as never;
    expect(value(rmse(), batches, { task: 'numbers' })).toBe(2);
    expect(value(mae(), batches, { task: 'numbers' })).toBe(1);
  });

  test('precision, of a class that is in one batch alone', () => {
    const batches = [
      [
        [0, 0],
        [
          [1, 0],
          [0, 1],
        ],
      ],
      [[1], [[0, 1]]],
    ] as never;
    expect(measured(precision(), batches).perClass).toEqual([1, 0.5]);
    expect(value(recall({ class: 0 }), batches)).toBe(0.5);
  });

  test('r2 of numbers far from 0', () => {
    const y = [1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3];
    const batches = y.map((v, i) => [[[v]], [[v + (i % 2)]]]) as never;
    expect(value(r2(), batches, { task: 'numbers' })).toBeCloseTo(1 - 2 / 5, 12);
  });
});

describe('at the edges', () => {
  const numbers = { task: 'numbers' as const };
  test('a class that is neither there nor taken says nothing: the mean is that of the others', () => {
    const rows = [
      [0.8, 0.1, 0.1],
      [0.7, 0.2, 0.1],
    ];
    // Class 0: one of two that were taken; class 1: there, and never taken; class 2: neither.
    expect(value(f1(), [[[0, 1], rows]])).toBeCloseTo((2 / 3 + 0) / 2, 12);
    expect(value(precision(), [[[0, 1], rows]])).toBe(0.25);
    expect(value(f1({ average: 'micro' }), [[[0, 1], rows]])).toBe(0.5);
  });

  test('topK of sequences counts positions', () => {
    const rows = [
      [
        [3, 2, 1],
        [1, 2, 3],
      ],
    ];
    expect(value(topK({ k: 2 }), [[[[1, 0]], rows]])).toBe(0.5);
  });

  test('r2 of a constant is 1 where it is met, else 0', () => {
    expect(
      value(
        r2(),
        [
          [
            [[2], [2]],
            [[2], [2]],
          ],
        ],
        numbers,
      ),
    ).toBe(1);
    expect(
      value(
        r2(),
        [
          [
            [[2], [2]],
            [[2], [3]],
          ],
        ],
        numbers,
      ),
    ).toBe(0);
  });

  test('psnr of equal pictures is infinite; of one at a distance of a tenth of the peak 20 dB', () => {
    const at = (v: number): Nested => [[[[v]]]] as never;
    expect(value(psnr(), [[at(0.5), at(0.5)]], numbers)).toBe(Number.POSITIVE_INFINITY);
    expect(value(psnr({ peak: 10 }), [[at(1), at(2)]], numbers)).toBeCloseTo(20, 5);
  });

  test('auc: ties count half, labels that are all alike say nothing', () => {
    const one = { task: 'labels' as const };
    const column = (v: number[]): number[][] => v.map((x) => [x]);
    expect(value(auc(), [[column([1, 0, 1]), column([0.3, 0.3, 0.9])]], one)).toBe(0.75);
    expect(value(auc(), [[column([1, 1]), column([0.3, 0.9])]], one)).toBeNaN();
    expect(value(auc(), [[column([1, 0]), column([Number.NaN, 0.9])]], one)).toBeNaN();
    // Of several labels those that say something.
    expect(
      value(
        auc(),
        [
          [
            [
              [1, 1],
              [0, 1],
            ],
            [
              [0.9, 0.1],
              [0.2, 0.5],
            ],
          ],
        ],
        one,
      ),
    ).toBe(1);
  });

  test('topK: a tie is the label, an output that is not a number is not', () => {
    const rows = [
      [0.2, 0.4, 0.4],
      [0.1, 0.2, 0.7],
      [Number.NaN, 0, 0],
    ];
    expect(value(topK({ k: 1 }), [[[1, 1, 0], rows]])).toBeCloseTo(1 / 3, 12);
    expect(value(topK({ k: 2 }), [[[1, 1, 0], rows]])).toBeCloseTo(2 / 3, 12);
  });

  test('an example of weight 0 does not count, whatever it holds', () => {
    const batches = [
      [
        [[1], [3], [1]],
        [[1], [3], [Number.NaN]],
        [1, 1, 0],
      ],
    ] as never;
    expect([mae, r2].map((of) => value(of(), batches, numbers))).toEqual([0, 1]);
  });

  test('a single unit: the scores of the label that is there; a margin has its threshold at 0', () => {
    const column = (v: number[]): number[][] => v.map((x) => [x]);
    const batches = [[column([1, 1, -1, -1]), column([0.2, 0.3, -0.3, 0.1])]] as never;
    const hinge = { task: 'labels' as const, threshold: 0 };
    expect([precision, recall, accuracy].map((of) => value(of(), batches, hinge))).toEqual([2 / 3, 1, 0.75]);
  });

  test('masks: pixels of both sides', () => {
    const mask = [[[1, 1, 0, 0]]].map((rows) => rows.map((row) => row.map((v) => [v])))[0] as never;
    const found = [[0.9, 0.2, 0.8, 0.1]].map((row) => row.map((v) => [v])) as never;
    const batches = [[mask, found]] as never;
    expect([iou, dice, f1].map((of) => value(of(), batches, { task: 'labels' }))).toEqual([1 / 3, 0.5, 0.5]);
  });

  test('bits per token of logits, exact where a class is all but excluded', () => {
    const logits = tf.tensor2d([[0, 200]]);
    const bits = value(bitsPerToken(), [[[0], [[0, 1]]]], { logits });
    logits.dispose();
    expect(bits).toBeCloseTo(200 / Math.LN2, 3);
  });
});

/** Two outputs, of classes and of a number. */
function two(): tfl.LayersModel {
  const input = tfl.input({ shape: [2] });
  const kind = tfl.layers
    .activation({ name: 'kind', activation: 'linear' })
    .apply(input) as tfl.SymbolicTensor;
  const size = tfl.layers
    .dense({ name: 'size', units: 1, kernelInitializer: 'ones', trainable: false })
    .apply(input) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: [kind, size] });
}
const losses: Losses = { kind: 'categoricalCrossentropy', size: 'meanSquaredError' };
const data: Data = {
  size: 2,
  stepsPerEpoch: 1,
  batches: (): Batch[] => [
    {
      inputs: tf.tensor2d([
        [0.2, 0.8],
        [0.9, 0.1],
      ]),
      labels: { kind: tf.tensor1d([1, 1]), size: tf.tensor2d([[1], [4]]) },
    },
  ],
};

describe('several outputs', () => {
  test('a metric is of those that it fits; its value is their mean', async () => {
    const { metrics, outputs } = await evaluate(two(), data, { loss: losses, metrics: [accuracy(), mae()] });
    expect(outputs!.kind.metrics).toEqual({ accuracy: 0.5 });
    expect(outputs!.size.metrics).toEqual({ mae: 1.5 });
    expect(metrics).toEqual({ accuracy: 0.5, mae: 1.5 });
  });

  test('lists by name; a function as well', async () => {
    const far = ownMetric(function far(labels, outputs) {
      return tf.cast(tf.greater(tf.abs(tf.sub(labels, outputs)), 1), 'float32');
    });
    const metrics = { size: [far, rmse()] };
    const { outputs } = await evaluate(two(), data, { loss: losses, metrics });
    expect(outputs!.kind.metrics).toEqual({});
    expect(outputs!.size.metrics!.far).toBe(0.5);
  });

  test.each<[string, readonly Metric[] | Record<string, Metric[]>, string]>([
    ['one that fits none', [ssim()], 'ssim does not fit'],
    ['one of the wrong output', { kind: [mae()] }, 'mae does not fit: the labels are classes'],
    ['an output that is not there', { kin: [mae()] }, "Did you mean 'kind'"],
    ['two of a name', [mae(), mae()], "two metrics 'mae'"],
  ])('refuses %s', async (_, metrics, message) => {
    const before = tf.memory().numTensors;
    const model = two();
    await expect(evaluate(model, data, { loss: losses, metrics })).rejects.toThrow(message);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('names', () => {
  test('all of them make a metric of that name', () => {
    const made = metricNames.map((name) => metricOf(name).name);
    expect(made).toEqual(metricNames.map((name) => (name === 'topK' ? 'top5' : name)));
    for (const name of metricNames) expect(metricOf(name).better).toMatch(/higher|lower/);
  });

  test.each<[MetricUse, string]>([
    ['f2' as never, "Did you mean 'f1'"],
    ['roc-auc' as never, "Did you mean 'auc'"],
    ['RMSE' as never, "Did you mean 'rmse'"],
    ['mean_squared_error' as never, "Did you mean 'mse'"],
    ['xyzzy' as never, 'Known: accuracy'],
    [{ name: 'topK', k: 0 }, 'k is NaN'.replace('NaN', '0')],
    [{ name: 'f1', class: 0.5 }, 'class is'],
    [{ name: 'f1', class: 0, average: 'macro' }, 'of class 0 there is no average'],
    [{ name: 'mae', k: 3 } as never, 'mae'],
    [{ name: 'auc', average: 'micro' } as never, 'auc'],
    [{ name: 'rmse', peak: 2 } as never, 'rmse'],
    [{ name: 'top3', k: 5 }, "no option 'k'"],
    [() => tf.ones([1]), 'has no name'],
  ])('refuses %j', (use, message) => {
    expect(() => metricOf(use)).toThrow(message);
  });

  test('that others have', () => {
    expect(['jaccard', 'bpc', 'ppl', 'AUROC', 'acc'].map(nearestMetric)).toEqual([
      'iou',
      'bitsPerToken',
      'perplexity',
      'auc',
      'accuracy',
    ]);
  });

  test('a function has to give a number for each example', () => {
    const scalar = ownMetric((labels) => tf.mean(labels), { name: 'mine' });
    const given = [
      [
        [[1], [2]],
        [[1], [2]],
      ],
    ] as never;
    expect(() => value(scalar, given)).toThrow('gives [] for 2 examples');
  });
});

test('the weight of an example is that of all its positions', () => {
  const [labels, outputs, weights] = [
    [
      [[1], [0], [1]],
      [[0], [1], [0]],
    ],
    [
      [[0.9], [0.6], [0.2]],
      [[0.3], [0.8], [0.4]],
    ],
    [3, 1],
  ];
  for (const [metric, task] of [
    [accuracy, 'labels'],
    [precision, 'labels'],
    [recall, 'labels'],
    [auc, 'labels'],
    [r2, 'numbers'],
    [mae, 'numbers'],
  ] as const) {
    const together = value(metric(), [[labels, outputs, weights]], { task });
    const apart = value(metric(), [[labels.flat(), outputs.flat(), [3, 3, 3, 1, 1, 1]]], { task });
    const plain = value(metric(), [[labels, outputs]], { task });
    expect([metric.name, together]).toEqual([metric.name, expect.closeTo(apart, 6)]);
    expect(Math.abs(together - plain)).toBeGreaterThan(1e-3);
  }
  const words = [
    [1, 0, 1],
    [0, 1, 0],
  ];
  const rows = outputs.map((example) => example.map(([v]) => [1 - v, v]));
  expect(value(f1(), [[words, rows, weights]])).toBeCloseTo(
    value(f1(), [[words.flat(), rows.flat(), [3, 3, 3, 1, 1, 1]]]),
    12,
  );
});

test('ssim of dark pictures, where its first constant counts', () => {
  const flat = (v: number): Nested =>
    [Array.from({ length: 11 }, () => Array.from({ length: 11 }, () => [v]))] as never;
  const c1 = 0.01 ** 2;
  const dark = value(ssim(), [[flat(0), flat(0.1)]], { task: 'numbers' });
  expect(dark).toBeCloseTo(c1 / (0.01 + c1), 6);
  expect(value(ssim({ peak: 10 }), [[flat(0), flat(1)]], { task: 'numbers' })).toBeCloseTo(dark, 5);
});

test('what fits, by the shape of the outputs', () => {
  const refuses = (metric: Metric, ...given: Parameters<NonNullable<Metric['refuses']>>) =>
    metric.refuses!(...given);
  for (const side of [11, null]) expect(refuses(ssim(), 'numbers', [null, side, side, 1])).toBe(undefined);
  expect(refuses(ssim(), 'numbers', [null, 10, 11, 1])).toMatch('11 x 11 pixels, and the output is 10 x 11');
  expect(refuses(ssim(), 'numbers', [null, 11, 10, 1])).toMatch('11 x 10');
  expect(refuses(psnr(), 'numbers', [null, 1, 1, 3])).toBe(undefined);
  expect(refuses(psnr(), 'classes', [null, 8, 8, 3])).toBe('the labels are classes');
  expect(refuses(psnr(), 'unknown', [null, 8])).toMatch('of pictures');
  expect([2, 3].map((classes) => refuses(topK({ k: 2 }), 'classes', [null, classes]) === undefined)).toEqual([
    false,
    true,
  ]);
  expect(refuses(topK({ k: 2 }), 'classes', [null, 5, 2])).toMatch('there are 2 classes');
  expect(topK({ k: 1 }).name).toBe('top1');
  expect(refuses(f1({ class: 2 }), 'classes', [null, 3])).toBe(undefined);
  expect(refuses(auc(), 'unknown', [null, 3])).toBe(undefined);
});

test('a metric of one has the direction that it was given, or none', () => {
  const of = (labels: tf.Tensor): tf.Tensor => labels;
  expect(ownMetric(of, { better: 'lower' }).better).toBe('lower');
  expect(ownMetric(of)).not.toHaveProperty('better');
});
