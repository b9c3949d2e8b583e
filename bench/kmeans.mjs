/**
 * Optimal one-dimensional k-means at the sizes of AlexNet: seconds, peak memory of the process, and how far the
 * result can be from the optimum; beside scikit-learn's KMeans and MiniBatchKMeans (k-means++, one start) on the same
 * numbers where Python has them. Weights are drawn from a seeded normal. Prints JSON.
 *
 * Beside wall time stands CPU time, which other work on the machine does not lengthen.
 *
 *   pnpm build && node bench/kmeans.mjs [--no-sklearn] [--python python3] [--iterations 300] [--only 'alexnet fc6']
 */
import { fork, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lloydCodebook, nearest, optimalCodebook } from '@espalier/quantize-kmeans';

const { values: options } = parseArgs({
  options: {
    'no-sklearn': { type: 'boolean' },
    python: { type: 'string', default: 'python3' },
    /** Most iterations of scikit-learn's KMeans: its default, or fewer where that takes too long. */
    iterations: { type: 'string', default: '300' },
    only: { type: 'string' },
    worker: { type: 'string' },
  },
});

/** Name: tensors of [weights, clusters]. The notebook's 256 centres for convolutions, 16 for dense layers. */
const CASES = {
  'alexnet conv3': [[884736, 256]],
  'alexnet fc6': [[37748736, 16]],
  'alexnet fc6, 90 % pruned': [[37748736, 16, 0.9]],
  'alexnet, all 61 million': [
    [34848, 256],
    [307200, 256],
    [884736, 256],
    [663552, 256],
    [442368, 256],
    [37748736, 16],
    [16777216, 16],
    [4096000, 16],
  ],
};

/** Normal numbers of standard deviation 0.01 (sfc32 and Box-Muller); the smallest `sparsity` of them are 0. */
function weights(n, seed, sparsity = 0) {
  const values = new Float32Array(n);
  let a = 0;
  let b = seed;
  let c = 0x9e3779b9;
  let d = 1;
  const draw = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 20; i++) draw();
  const quantile = { 0: 0, 0.9: 0.016448536 }[sparsity];
  for (let i = 0; i < n; i++) {
    const value = 0.01 * Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    values[i] = Math.abs(value) < quantile ? 0 : value;
  }
  return values;
}

function measure(tensors) {
  const result = { seconds: 0, cpuSeconds: 0, assignmentSeconds: 0, relativeGap: 0, extraMiB: 0, peakMiB: 0 };
  for (const [i, [n, k, sparsity]] of tensors.entries()) {
    const values = weights(n, i, sparsity);
    const before = process.memoryUsage().rss;
    const cpu = process.cpuUsage();
    const began = performance.now();
    const { centroids, gap, inertia } = optimalCodebook(values, k, { keepZero: sparsity !== undefined });
    result.seconds += (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    result.cpuSeconds += (user + system) / 1e6;
    result.relativeGap = Math.max(result.relativeGap, gap / inertia);
    result.extraMiB = Math.max(result.extraMiB, process.resourceUsage().maxRSS / 1024 - before / 2 ** 20);
    const assigning = performance.now();
    nearest(values, centroids);
    result.assignmentSeconds += (performance.now() - assigning) / 1000;
    result.peakMiB = process.resourceUsage().maxRSS / 1024;
    if (tensors.length > 1) continue;
    result.lloydOverOptimal = Object.fromEntries(
      ['linear', 'density', 'random'].map((init) => [
        init,
        lloydCodebook(values, k, { init, keepZero: sparsity !== undefined }).inertia / inertia,
      ]),
    );
    if (sparsity === undefined && !options['no-sklearn']) result.sklearn = sklearn(values, k, inertia);
  }
  return result;
}

function sklearn(values, k, inertia) {
  const folder = mkdtempSync(join(tmpdir(), 'kmeans-'));
  try {
    const file = join(folder, 'values.f32');
    writeFileSync(file, values);
    const script = `
import json, sys, time
import numpy as np, sklearn
from sklearn.cluster import KMeans, MiniBatchKMeans
x = np.fromfile(sys.argv[1], dtype=np.float32).reshape(-1, 1)
flat = x[:, 0].astype(np.float64)
def measure(estimator):
    began, cpu = time.time(), time.process_time()
    fit = estimator.fit(x)
    seconds, cpu = time.time() - began, time.process_time() - cpu
    c = np.sort(fit.cluster_centers_[:, 0].astype(np.float64))
    error = float(((flat - c[np.searchsorted((c[1:] + c[:-1]) / 2, flat)]) ** 2).sum())
    return dict(seconds=seconds, cpuSeconds=cpu, iterations=int(fit.n_iter_), overOptimal=error / ${inertia})
print(json.dumps(dict(
    version=sklearn.__version__,
    kmeans=measure(KMeans(n_clusters=${k}, n_init=1, random_state=0, max_iter=${Number(options.iterations)})),
    miniBatch=measure(MiniBatchKMeans(n_clusters=${k}, n_init=1, random_state=0)),
)))
`;
    const { status, stdout, stderr } = spawnSync(options.python, ['-c', script, file], { encoding: 'utf8' });
    if (status !== 0) return { missing: stderr?.trim().split('\n').at(-1) ?? options.python };
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (options.worker !== undefined) {
  process.send(measure(CASES[options.worker]));
} else {
  const results = {};
  for (const name of Object.keys(CASES).filter((name) => name === (options.only ?? name))) {
    // A process of its own, so that its memory is its own.
    const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--worker', name]);
    results[name] = await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`the worker of '${name}' ended with ${code}`)));
    });
  }
  console.log(JSON.stringify({ node: process.version, results }, null, 2));
}
