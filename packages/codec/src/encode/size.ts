import type { StoredTensor } from '../container/header-write.js';

/** About how many bytes a tensor takes in the file, for comparison. */
export function storedSize(tensor: StoredTensor): number {
  return (
    tensor.payloads.reduce((n, p) => n + p.length, 0) +
    (tensor.levels ? 7 + tensor.levels.book.values.length * 4 + exponentBytes(tensor) : 0)
  );
}

/** About so many bytes: of the exponents and of the prediction's terms. */
function exponentBytes({ levels }: StoredTensor): number {
  const { scales = [], predictor } = levels?.book ?? {};
  return scales.reduce((n, axis) => n + 1 + axis.length, predictor?.terms.length ?? 0);
}
