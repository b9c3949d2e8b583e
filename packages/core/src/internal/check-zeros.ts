import { EspalierError } from '../errors.js';
import type { Parameter } from '../parameter.js';
import type { QuantizedTensor } from '../quantized.js';

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
