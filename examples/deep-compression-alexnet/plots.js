/*
 * The notebook's three figures as SVG, which follows the reader's light or dark. A layer's histogram is
 * { tensor, edges, before, centroids } of @espalier/report.
 */

const style = `<style>
svg { --ink: #222; --paper: #fff; --fill: #3b7dd8; --dot: #d1495b; font: 11px system-ui, sans-serif; background: var(--paper) }
@media (prefers-color-scheme: dark) { svg { --ink: #ddd; --paper: #181818; --fill: #6ea8fe; --dot: #ff8fa0 } }
text { fill: var(--ink) } .axis { stroke: var(--ink); fill: none } .fill { fill: var(--fill); opacity: .8 }
.line { stroke: var(--ink); fill: none } .dot { fill: var(--dot) }
</style>`;

const page = (width, height, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}">${style}${parts.join('\n')}</svg>\n`;
const px = (value) => value.toFixed(1);
const text = (x, y, words, anchor = 'middle') =>
  `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${words}</text>`;
const label = (value) => (value === 0 ? '0' : String(Number(value.toPrecision(2)))).replace('-', '−');

/** Shares per unit of weight: what matplotlib calls a normed histogram. */
function densities({ edges, before }) {
  const total = before.reduce((a, b) => a + b, 0);
  return before.map((count, i) => count / total / (edges[i + 1] - edges[i]));
}

/** A histogram per layer, four rows of two; with `centroids`, each centre at its value and its number. */
export function histograms(list, centroids = false) {
  const [width, height] = [420, 200];
  const cells = list.map((layer, n) => {
    const [left, top] = [(n % 2) * width + 50, Math.floor(n / 2) * height + 28];
    const [w, h] = [width - 70, height - 70];
    const density = densities(layer);
    const most = Math.max(...density);
    const [low, high] = [layer.edges[0], layer.edges.at(-1)];
    const x = (value) => left + ((value - low) / (high - low)) * w;
    const y = (value, top100) => top + h - (value / top100) * h;
    const path = density.map((d, i) => `V${px(y(d, most))}H${px(x(layer.edges[i + 1]))}`).join('');
    const dots = centroids
      ? layer.centroids.map(
          (c, i) => `<circle class="dot" cx="${px(x(c))}" cy="${px(y(i, layer.centroids.length))}" r="2"/>`,
        )
      : [];
    return [
      text(left + w / 2, top - 10, layer.tensor),
      `<path class="fill" d="M${left} ${top + h}${path}V${top + h}Z"/>`,
      ...dots,
      `<path class="axis" d="M${left} ${top}V${top + h}H${left + w}"/>`,
      ...[low, 0, high].map((v) => text(x(v), top + h + 14, label(v))),
      text(left + w / 2, top + h + 28, 'weight'),
      text(left - 5, top + 8, label(most), 'end'),
      text(left - 5, top + h, '0', 'end'),
      `<text transform="translate(${left - 34} ${top + h / 2}) rotate(-90)" text-anchor="middle">${centroids ? 'density; number of the centre' : 'density'}</text>`,
    ].join('\n');
  });
  return page(2 * width, Math.ceil(list.length / 2) * height, cells);
}

/** All layers beside each other: their densities mirrored, with least, greatest, mean and median. */
export function violins(list, means) {
  const [width, height, left, top] = [96 * list.length + 70, 420, 60, 20];
  const low = Math.min(...list.map(({ edges }) => edges[0]));
  const high = Math.max(...list.map(({ edges }) => edges.at(-1)));
  const h = height - 60;
  const y = (value) => top + ((high - value) / (high - low)) * h;
  const ticks = [low, low / 2, 0, high / 2, high];
  const shapes = list.map((layer, n) => {
    const centre = left + 48 + 96 * n;
    const density = smooth(densities(layer), 15);
    const scale = 40 / Math.max(...density);
    const at = density.map((_, i) => y((layer.edges[i] + layer.edges[i + 1]) / 2));
    const right = density.map((d, i) => `${px(centre + d * scale)} ${px(at[i])}`);
    const back = density.map((d, i) => `${px(centre - d * scale)} ${px(at[i])}`).reverse();
    const bar = (value, half) => `M${centre - half} ${px(y(value))}h${2 * half}`;
    return [
      `<path class="fill" d="M${right.join('L')}L${back.join('L')}Z"/>`,
      `<path class="line" d="${bar(layer.edges[0], 12)}${bar(layer.edges.at(-1), 12)}${bar(means[n], 20)}${bar(median(layer), 8)}M${centre} ${px(y(layer.edges[0]))}V${px(y(layer.edges.at(-1)))}"/>`,
      text(centre, height - 18, layer.tensor),
    ].join('\n');
  });
  return page(width, height, [
    `<path class="axis" d="M${left} ${top}V${top + h}"/>`,
    ...ticks.map((tick) => text(left - 5, y(tick) + 4, label(tick), 'end')),
    `<text transform="translate(14 ${top + h / 2}) rotate(-90)" text-anchor="middle">weight</text>`,
    ...shapes,
  ]);
}

/** Means over windows: a histogram of a thousand bins is ragged. */
function smooth(values, reach) {
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - reach), i + reach + 1);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

function median({ edges, before }) {
  const half = before.reduce((a, b) => a + b, 0) / 2;
  let below = 0;
  const bin = before.findIndex((count) => {
    below += count;
    return below >= half;
  });
  return edges[bin + 1] - ((below - half) / before[bin]) * (edges[bin + 1] - edges[bin]);
}
