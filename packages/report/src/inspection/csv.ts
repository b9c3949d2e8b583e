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

/**
 * Tensors that were inspected as comma-separated values, a row each, with their bytes in each form.
 *
 * @example
 * ```ts
 * import { inspectionCsv } from '@espalier/report';
 * const [head] = inspectionCsv([], [{ key: 'esp', label: '.esp', about: 'Packed.' }]).split('\\n');
 * if (!head.startsWith('name,') || !head.trim().endsWith('esp')) throw new Error(head);
 * ```
 */
export function inspectionCsv(tensors: readonly InspectedTensor[], forms: readonly Form[]): string {
  const head = [...columns, 'shape', ...forms.map(({ key }) => key)];
  const rows = tensors.map((tensor) => [
    ...columns.map((column) => tensor[column]),
    tensor.shape.join('x'),
    ...forms.map(({ key }) => tensor.costs[key].bytes),
  ]);
  return csv([head, ...rows]);
}
