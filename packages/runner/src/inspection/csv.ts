import { csv, type Form, type InspectedTensor } from '@espalier/report';

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

/** A row per tensor as comma-separated values, with the bytes in each form. */
export function inspectionCsv(tensors: readonly InspectedTensor[], forms: readonly Form[]): string {
  const head = [...columns, 'shape', ...forms.map(({ key }) => key)];
  const rows = tensors.map((tensor) => [
    ...columns.map((column) => tensor[column]),
    tensor.shape.join('x'),
    ...forms.map(({ key }) => tensor.costs[key].bytes),
  ]);
  return csv([head, ...rows]);
}
