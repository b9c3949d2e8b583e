import { costRows } from '../costs.js';
import { ABSENT, formatBytes, formatCount, formatDuration, formatPercent, formatRatio } from '../format.js';
import { goalOf, otherMetrics } from '../goal.js';
import { html, type Markup } from '../markup.js';
import type { Report } from '../schema.js';

function figure(what: string, number: string, below: string): Markup {
  return html`<div class="figure"><span class="what">${what}</span><b>${number}</b><span>${below}</span></div>`;
}

/** The page's head: name, and the three numbers that matter. */
export function heading(report: Report): Markup {
  const { name, seed, createdAt, dense, compressed, ratio, stages, environment } = report;
  const seconds = stages.reduce((total, stage) => total + stage.seconds, 0);
  const meta = [
    `seed ${seed}`,
    `${environment.backend} backend`,
    report.measuredOn === 'validation' && 'on the validation data, test set unread',
    stages.length > 0 && formatDuration(seconds),
    createdAt?.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC'),
  ].filter(Boolean);
  const weights = formatPercent(compressed.nonzero / Math.max(1, dense.parameters), 1);
  const goal = goalOf(report);
  const [before, after] = [goal.ofModel(dense), goal.ofModel(compressed)];
  const quality =
    before == null || after == null
      ? figure(
          'Weights left',
          weights,
          `${formatCount(compressed.nonzero)} of ${formatCount(dense.parameters)}`,
        )
      : figure(goal.title, goal.format(after), `dense ${goal.format(before)}, ${goal.change(before, after)}`);
  return html`<header><h1>${name}</h1><p class="meta">${meta.join(' · ')}</p>
<div class="figures">
${figure('Smaller', formatRatio(ratio), `${formatBytes(dense.bytes)} of float32 to ${formatBytes(compressed.bytes)}`)}
${quality}
${figure('File', formatBytes(compressed.bytes), `${formatCount(compressed.bytes)} bytes, ${weights} of the weights left`)}
</div></header>`;
}

/** Dense beside compressed, and the ratios as papers count them. */
export function comparison(report: Report): Markup {
  const { dense, compressed, paperRatios, measuredOn = 'test' } = report;
  const loss = (value: number | undefined): string => (value === undefined ? ABSENT : value.toPrecision(4));
  const labelled = dense.accuracy !== null || compressed.accuracy !== null || report.goal === undefined;
  const measured = otherMetrics(report).map(({ name, dense: a, compressed: b }) => [name, a, b] as const);
  const rows: (readonly [string, string, string])[] = [
    ...(labelled
      ? ([
          [
            `Accuracy on the ${measuredOn} data`,
            formatPercent(dense.accuracy),
            formatPercent(compressed.accuracy),
          ],
          ['Error', formatPercent(dense.error), formatPercent(compressed.error)],
        ] as const)
      : []),
    ...measured,
    ['Loss', loss(dense.loss), loss(compressed.loss)],
    ...(compressed.bitsPerCharacter === undefined
      ? []
      : ([['Bits per character', loss(dense.bitsPerCharacter), loss(compressed.bitsPerCharacter)]] as const)),
    ['Weights', formatCount(dense.parameters), formatCount(compressed.parameters)],
    ['… that are not 0', formatCount(dense.nonzero), formatCount(compressed.nonzero)],
    ['Bytes', formatCount(dense.bytes), formatCount(compressed.bytes)],
    [
      'Bits per weight of the dense model',
      ((8 * dense.bytes) / Math.max(1, dense.parameters)).toFixed(2),
      ((8 * compressed.bytes) / Math.max(1, dense.parameters)).toFixed(3),
    ],
    ...costRows(report).map(
      ({ label, dense: a, compressed: b, change }) =>
        [label[0].toUpperCase() + label.slice(1), a, change === '' ? b : `${b} (${change})`] as const,
    ),
  ];
  const ratios = Object.entries(paperRatios);
  return html`<section><h2>Before and after</h2>
<p class="note">“Compressed” is measured on the model decoded from the file; its bytes include headers and topology.</p>
<div class="grid2"><div class="card scroll"><table><thead><tr><td></td><th class="n">Dense</th><th class="n">Compressed</th></tr></thead>
<tbody>${rows.map(([label, a, b]) => html`<tr><td class="name">${label}</td><td class="n">${a}</td><td class="n">${b}</td></tr>`)}</tbody></table></div>
${
  ratios.length > 0 &&
  html`<div class="card scroll"><table><thead><tr><th>Ratio as papers count it</th><th class="n">Ratio</th><th>Counts</th></tr></thead>
<tbody>${ratios.map(([key, { value, counts }]) => html`<tr><td class="name">${key}</td><td class="n">${formatRatio(value)}</td><td class="name">${counts}</td></tr>`)}</tbody></table>
<p class="facts">Estimates, for comparison with publications. The ratio above is of files.</p></div>`
}</div></section>`;
}
