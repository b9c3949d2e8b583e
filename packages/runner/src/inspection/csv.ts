import type { Form, InspectedTensor } from '@espalier/report';

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

/** A row per tensor as comma-separated values, with the bytes in each form. Texts are quoted where they have to be. */
export function inspectionCsv(tensors: readonly InspectedTensor[], forms: readonly Form[]): string {
  const quote = (value: string | number | null): string => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head = [...columns, 'shape', ...forms.map(({ key }) => key)];
  const rows = tensors.map((tensor) => [
    ...columns.map((column) => tensor[column]),
    tensor.shape.join('x'),
    ...forms.map(({ key }) => tensor.costs[key].bytes),
  ]);
  return `${[head, ...rows].map((row) => row.map(quote).join()).join('\n')}\n`;
}
