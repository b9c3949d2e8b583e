import { histogram, type Report, type TensorFigures } from '../src/index.js';

/** Numbers in (0, 1) from a seed (a linear congruential generator: enough for made-up weights). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

function normal(size: number, deviation: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length: size },
    () => deviation * Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
  );
}

/** Keeps the largest share of the weights, rounded to `levels` equally spaced values. */
function squeeze(weights: Float32Array, keep: number, levels: number): Float32Array {
  const sizes = weights.map(Math.abs).sort();
  const threshold = sizes[Math.round((1 - keep) * (sizes.length - 1))];
  const step = (2 * sizes[sizes.length - 1]) / levels;
  return weights.map((w) =>
    Math.abs(w) < threshold ? 0 : Math.sign(w) * Math.max(1, Math.round(Math.abs(w) / step)) * step,
  );
}

const LAYERS: [name: string, shape: number[]][] = [
  ['dense_1/kernel', [784, 300]],
  ['dense_1/bias', [300]],
  ['dense_2/kernel', [300, 100]],
  ['dense_2/bias', [100]],
  ['dense_3/kernel', [100, 10]],
  ['dense_3/bias', [10]],
];

/** The tensors and their histograms: slow to make, so made once. */
const { tensors, histograms } = ((): Pick<Report, 'tensors' | 'histograms'> => {
  const tensors: TensorFigures[] = [];
  const histograms = LAYERS.map(([name, shape], i) => {
    const size = shape.reduce((a, b) => a * b);
    const before = normal(size, 0.05 * (i + 1), i + 1);
    const bias = shape.length === 1;
    const after = bias ? before : squeeze(before, 0.05, 32);
    const nonzero = after.reduce((n, w) => n + Number(w !== 0), 0);
    const values = [...new Set(after)].sort((a, b) => a - b);
    const bytes = bias ? 4 * size : Math.round(nonzero * 1.05 + 2 * values.length);
    tensors.push({
      name,
      shape,
      parameters: size,
      nonzero,
      distinct: values.length,
      bytes,
      bitsPerWeight: (8 * bytes) / size,
      codec: bias ? 'dense' : 'codebook',
    });
    return histogram(name, before, after, bias ? {} : { centroids: values });
  });
  return { tensors, histograms };
})();

/** A made-up run in the shape of LeNet-300-100's: its weights are drawn, its curves are formulas. */
export function madeUpReport(change: Partial<Report> = {}): Report {
  const sum = (key: 'parameters' | 'nonzero' | 'bytes'): number => tensors.reduce((n, t) => n + t[key], 0);
  const [parameters, nonzero, bytes] = [sum('parameters'), sum('nonzero'), sum('bytes') + 412];
  const stages = [
    ['dense', 12],
    ['prune', 20],
    ['quantize', 6],
  ] as const;
  let epochs = 0;
  const metrics = stages.flatMap(([stage, count], s) =>
    Array.from({ length: count }, (_, epoch) => {
      const t = epochs++;
      const loss = 0.35 * Math.exp(-t / 4) + (s === 1 ? 0.02 * Math.exp(-epoch / 8) : 0) + 0.004;
      const validationAccuracy = 0.983 - 0.05 * Math.exp(-t / 3) - (s === 2 && epoch === 0 ? 0.01 : 0);
      const sparsity = s === 0 ? 0 : s === 1 ? 0.95 * (1 - (1 - Math.min(1, (epoch + 1) / 14)) ** 3) : 0.95;
      const learningRate = 1e-3 * 0.9 ** t;
      return {
        stage,
        epoch,
        loss,
        validationLoss: loss * 0.6 + 0.05,
        validationAccuracy,
        sparsity,
        learningRate,
      };
    }),
  );
  return {
    version: 1,
    name: 'lenet-300-100 (made up)',
    seed: 1,
    createdAt: '2026-01-02T03:04:05.678Z',
    command: 'npx espalier run examples/lenet-300-100/recipe.yaml --out runs/lenet-300-100 --seed 1',
    dense: {
      accuracy: 0.9835,
      error: 1 - 0.9835,
      loss: 0.0612,
      parameters,
      nonzero: parameters,
      bytes: 4 * parameters,
    },
    compressed: { accuracy: 0.983, error: 1 - 0.983, loss: 0.0655, parameters, nonzero, bytes },
    ratio: (4 * parameters) / bytes,
    paperRatios: {
      'Han 2015, pruning': { value: parameters / nonzero, counts: 'weights / non-zero weights' },
      'Han 2015, Huffman': { value: 51.3, counts: 'float32 bits / bits of indices, values and codebooks' },
    },
    stages: [
      {
        name: 'dense',
        kind: 'train',
        seconds: 41.2,
        epochs: 12,
        accuracy: 0.9832,
        nonzero: parameters,
        bytes: 4 * parameters,
      },
      {
        name: 'prune',
        kind: 'prune',
        seconds: 83.9,
        epochs: 20,
        accuracy: 0.9838,
        nonzero,
        bytes: nonzero * 6,
        estimated: true,
      },
      {
        name: 'quantize',
        kind: 'quantize',
        seconds: 22.4,
        epochs: 6,
        accuracy: 0.9831,
        nonzero,
        bytes: nonzero * 1.75,
        estimated: true,
      },
      { name: 'encode', kind: 'encode', seconds: 0.31, bytes },
    ],
    metrics,
    tensors,
    histograms,
    environment: {
      backend: 'native',
      versions: { '@tensorflow/tfjs-core': '4.22.0', '@espalier/runner': '0.1.0' },
      cores: 2,
      node: '20.20.2',
      platform: 'linux x64',
    },
    ...change,
  };
}
