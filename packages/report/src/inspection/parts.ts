import { codebooks } from '../page/codebooks.js';
import { masks } from '../page/masks.js';
import { histogram } from './distributions.js';
import { facts } from './facts.js';
import { costs, forms, heading } from './sections.js';
import type { InspectedTensor, Inspection, TensorPicture } from './types.js';

/** The parts of the page of an inspection, as HTML, for a page that has more to show; empty where there is nothing. */
export interface InspectionParts {
  readonly heading: string;
  readonly forms: string;
  readonly facts: string;
  readonly costs: string;
}

/**
 * The parts of `renderInspection`. They look as they should with {@link pageStyle}, and everything in them is escaped.
 *
 * @example
 * ```ts
 * import { inspectionParts } from '@espalier/report';
 * const { heading } = inspectionParts({ name: 'a <b>', bytes: 90, packed: true, forms: [], totals: {}, tensors: [] });
 * if (!heading.includes('a &lt;b&gt;')) throw new Error(heading);
 * ```
 */
export function inspectionParts(inspection: Inspection): InspectionParts {
  const part = (draw: typeof facts): string => {
    const markup = draw(inspection);
    return markup === false ? '' : markup.source;
  };
  return { heading: part(heading), forms: part(forms), facts: part(facts), costs: part(costs) };
}

/**
 * What is drawn of one tensor, as HTML: its histogram, where its zeros are, the values it shares.
 *
 * @example
 * ```ts
 * import { drawTensor, histogram, statistics } from '@espalier/report';
 * const values = Float32Array.of(0, 1, 0, -1, 0.5, 0.25);
 * const { count, ...facts } = statistics(values);
 * const tensor = { ...facts, name: 'w', shape: [6], dtype: 'float32', parameters: count, nonzero: 4, bytes: 24, bitsPerWeight: 32, codec: 'raw', costs: {} };
 * if (!drawTensor(tensor, { histogram: histogram('w', values) }).includes('<svg')) throw new Error('nothing is drawn');
 * ```
 */
export function drawTensor(tensor: InspectedTensor, picture: TensorPicture): string {
  const whole = [
    masks(picture.mask ? [picture.mask] : [], () => tensor),
    codebooks(picture.codebook ? [picture.codebook] : [], () => tensor.bitsPerWeight),
  ];
  const drawn = tensor.min === null ? [] : [histogram({ tensor, picture }, true)];
  return [...drawn, ...whole].map((markup) => (markup === false ? '' : markup.source)).join('');
}
