import type * as tf from '@tensorflow/tfjs-core';
import { EspalierError } from '../errors.js';
import { readLater } from '../read.js';
import type { Run } from '../run.js';

/** A rule is broken. */
export function broken(what: string): never {
  throw new EspalierError('not-conforming', what);
}

/** Pruned weights are +0 and shared ones are their codebook's. */
export async function checkInvariants(run: Run): Promise<void> {
  const masked = run.parameters.filter((p) => run.mask(p) !== undefined);
  const shared = run.parameters.filter((p) => run.shared(p) !== undefined);
  await readLater(
    () => ({
      masks: masked.map((p) => run.mask(p)!),
      weights: masked.map((p) => p.variable as tf.Tensor),
      shared: shared.map((p) => p.variable as tf.Tensor),
    }),
    (seen) => {
      for (const [i, { name }] of masked.entries()) {
        const alive = seen.weights[i].findIndex((w, j) => seen.masks[i][j] === 0 && !Object.is(w, 0));
        if (alive >= 0) broken(`weight ${alive} of ${name} is pruned, but ${seen.weights[i][alive]}`);
        const odd = seen.masks[i].find((bit) => bit !== 0 && bit !== 1);
        if (odd !== undefined) broken(`the mask of ${name} holds ${odd}; 1 keeps, 0 prunes`);
      }
      for (const [i, p] of shared.entries()) {
        const { codebook, indices } = run.shared(p)!;
        const off = seen.shared[i].findIndex((w, j) => w !== codebook[indices[j]]);
        if (off >= 0) broken(`weight ${off} of ${p.name} is not its codebook's entry`);
      }
    },
  );
}
