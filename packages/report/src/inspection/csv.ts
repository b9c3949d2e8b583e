import { csv } from '../csv.js';
import type { Form, InspectedTensor } from './types.js';

const columns = [
  'name',
  'dtype',
  'parameters',
  'nonzero',
  'nonFinite',
  'distinct',
  'min',
  'max',
  'mean',
  'deviation',
  'entropy',
  'bytes',
  'bitsPerWeight',
  'codec',
] as const;

/** Tensors that were inspected as comma-separated values, a row each, with their bytes in each form. */
export function inspectionCsv(tensors: readonly InspectedTensor[], forms: readonly Form[]): string {
  const head = [...columns, 'shape', ...forms.map(({ key }) => key)];
  const rows = tensors.map((tensor) => [
    ...columns.map((column) => tensor[column]),
    tensor.shape.join('x'),
    ...forms.map(({ key }) => tensor.costs[key].bytes),
  ]);
  return csv([head, ...rows]);
}
