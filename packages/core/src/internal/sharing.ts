import type * as tf from '@tensorflow/tfjs-core';
import { EspalierError } from '../errors.js';
import type { Parameter } from '../parameter.js';
import { dequantize, type QuantizedTensor } from '../quantized.js';
import { readLater } from '../read.js';

/** Pruned weights stay 0 only if they share a 0 that fine-tuning does not move. @throws EspalierError `bad-plugin` */
export function checkZeros(
  parameter: Parameter,
  { codebook, indices, fixed = [] }: QuantizedTensor,
  mask: Float32Array,
): void {
  const zeros = new Set(fixed.filter((entry) => codebook[entry] === 0));
  const wrong = indices.findIndex((entry, i) => mask[i] === 0 && !zeros.has(entry));
  if (wrong === -1) return;
  throw new EspalierError(
    'bad-plugin',
    `Weight ${wrong} of ${parameter.name} is pruned, but is to share the value ${codebook[indices[wrong]]}.`,
    { remedy: 'The quantizer must give pruned weights an entry that is 0 and listed in `fixed`.' },
  );
}

/** There is an index for every weight. @throws EspalierError `shape-mismatch` */
export function checkSize({ name, size }: Parameter, { indices }: QuantizedTensor): void {
  if (indices.length === size) return;
  throw new EspalierError(
    'shape-mismatch',
    `${indices.length} indices were given for ${name} of ${size} elements.`,
  );
}

/** The parameters whose weights are no longer the values that they are said to share. */
export async function changedValues(
  parameters: readonly Parameter[],
  run: { shared(parameter: Parameter): QuantizedTensor | undefined },
): Promise<readonly Parameter[]> {
  const sharing = parameters.filter((p) => run.shared(p) !== undefined);
  return readLater(
    () => sharing.map(({ variable }) => variable as tf.Tensor),
    (weights) =>
      sharing.filter((parameter, i) =>
        dequantize(run.shared(parameter)!).some((value, j) => value !== weights[i][j]),
      ),
  );
}
