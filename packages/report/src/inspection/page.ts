import { html } from '../markup.js';
import { codebooks } from '../page/codebooks.js';
import { masks } from '../page/masks.js';
import { shell } from '../page/shell.js';
import { type Drawn, distributions, weights } from './distributions.js';
import { facts } from './facts.js';
import { costs, forms, heading } from './sections.js';
import type { Inspection, TensorPicture } from './types.js';

/**
 * A model that is looked at, as one HTML page that opens without a network: what it holds and would take, how its
 * weights are spread, where its zeros are and which values it shares. Plots are SVG, light or dark as the reader's
 * system is.
 *
 * @param pictureOf - What is drawn of a tensor, by its name; nothing for `undefined`.
 * @returns The page's source, under 2 MB.
 *
 * @example
 * ```ts
 * import { density, histogram, renderInspection, statistics } from '@espalier/report';
 * const values = Float32Array.of(0, 1, 0, -1, 0.5, 0.25);
 * const { count, ...facts } = statistics(values);
 * const page = renderInspection({
 *   name: 'tiny.esp', bytes: 90, packed: true, forms: [], totals: {},
 *   tensors: [{ ...facts, name: 'a <b>', shape: [2, 3], dtype: 'float32', parameters: count, nonzero: 4,
 *     bytes: 24, bitsPerWeight: 32, codec: 'raw', costs: {} }],
 * }, (name) => ({ histogram: histogram(name, values), density: density(values)! }));
 * if (!page.includes('a &lt;b&gt;') || !page.includes('33.3 %')) throw new Error('unexpected');
 * ```
 */
export function renderInspection(
  inspection: Inspection,
  pictureOf: (tensor: string) => TensorPicture | undefined,
): string {
  const byName = new Map(inspection.tensors.map((tensor) => [tensor.name, tensor]));
  const drawn = inspection.tensors.flatMap((tensor): Drawn[] => {
    const picture = pictureOf(tensor.name);
    return picture ? [{ tensor, picture }] : [];
  });
  return shell(
    inspection.name,
    html`${heading(inspection)}
${forms(inspection)}
${facts(inspection)}
${costs(inspection)}
${distributions(drawn)}
${weights(drawn)}
${masks(
  drawn.flatMap(({ picture }) => picture.mask ?? []),
  (name) => byName.get(name),
)}
${codebooks(
  drawn.flatMap(({ picture }) => picture.codebook ?? []),
  (name) => byName.get(name)?.bitsPerWeight,
)}
<footer>Written by espalier inspect. Sizes in SI units: 1 kB = 1000 bytes.</footer>`,
  );
}
