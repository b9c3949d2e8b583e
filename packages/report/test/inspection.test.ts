import { describe, expect, it } from 'vitest';
import { inspectionTable, renderInspection } from '../src/index.js';
import { SCRIPT } from '../src/page/script.js';
import { inspection, type Made, made, wave } from './inspected.js';

const two = [
  made('conv/kernel', [3, 3, 4, 8], wave(288)),
  made('fc/kernel', [40, 20], wave(800, 60)),
  made(
    'fc/shared',
    [10, 10],
    Float32Array.from({ length: 100 }, (_, i) => (i % 4) / 4),
  ),
  made('fc/bias', [20], wave(20)),
  made('empty', [0, 4], new Float32Array(0)),
  made('constant', [2, 2], new Float32Array(4).fill(3)),
];

describe('the page of an inspection', () => {
  const page = renderInspection(...inspection(two));

  it('has each section, and every tensor in both tables', () => {
    expect([...page.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => match[1])).toEqual([
      'What it would take',
      'Tensors',
      'What each tensor would take',
      'How the weights are spread',
      'Weights, tensor by tensor',
      'Where the zeros are',
      'Codebooks',
    ]);
    for (const { tensor } of two) expect(page.split(`<td class="name">${tensor.name}</td>`)).toHaveLength(3);
    // The entropy of four values that are equally often there, and the bytes that are in no tensor.
    expect(page).toContain('4 values · entropy 2.00 bits · stored in 4.00 bits a weight');
    expect(page).toMatch(/headers and topology<\/td><td class="n">100<\/td>/);
    expect(page).toContain('256 centres'.replace('256', '3'));
  });

  it('is balanced, asks for nothing and holds no number that is none', () => {
    const open: string[] = [];
    const bare = page.replace(/<(style|script)>.*?<\/\1>/gs, '');
    for (const [, close, name, rest] of bare.matchAll(/<(\/?)([a-z0-9]+)((?:"[^"]*"|[^">])*)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!['meta', 'input'].includes(name) && !rest.endsWith('/')) open.push(name);
    }
    expect(open).toEqual([]);
    expect(page.match(/https?:|url\(|@import|<(link|img|iframe|object|base)|\s(src|href)=/i)).toBeNull();
    expect(page.replace(SCRIPT, '').match(/NaN|Infinity|undefined|null|\[object/)).toBeNull();
    for (const path of page.match(/ d="[^"]*"/g) ?? []) expect(path).toMatch(/"[-MHVLZhvz\d. ]*"$/);
    for (const svg of page.match(/<svg[^>]*>/g) ?? []) expect(svg).toMatch(/role="img" aria-label="[^"]+"/);
  });

  it('draws the mask as it is: a run of cells for each run of weights', () => {
    const values = Float32Array.of(1, 1, 0, 0, 0, 1);
    const [report, pictureOf] = inspection([made('m', [2, 3], values)]);
    expect(renderInspection(report, pictureOf)).toContain('<path class="k6" d="M0 0h2M2 1h1"/>');
  });

  it('shows names as they are, and never as markup', () => {
    const evil = `"'><script>alert(2)</script>`;
    const attacked = renderInspection(...inspection([made(evil, [20, 40], wave(800, 50))], evil));
    expect(attacked.match(/<script>/g)).toHaveLength(1);
    expect(attacked).toContain('&quot;&#39;&gt;&lt;script&gt;');
  });

  it('stays under 2 MB for a net of a thousand tensors, and says what it leaves out', () => {
    const kinds = [0, 50].map((zeros) => made('kernel', [64, 64], wave(4096, zeros)));
    const many = Array.from({ length: 1000 }, (_, i): Made => {
      const { tensor, picture } = kinds[i % 2];
      return { tensor: { ...tensor, name: `block_${i}/conv2d/depthwise_separable/kernel` }, picture };
    });
    const large = renderInspection(...inspection(many));
    expect(Buffer.byteLength(large)).toBeLessThan(2_000_000);
    expect(Buffer.byteLength(large)).toBeGreaterThan(1_000_000);
    expect(large).toMatch(/\d+ smaller tensors are left out/);
  });

  it('does without plots and forms', () => {
    const [report] = inspection(two);
    const bare = renderInspection({ ...report, forms: [], totals: {} }, () => undefined);
    expect(bare.match(/<h2>/g)).toHaveLength(1);
  });
});

describe('the tables of an inspection', () => {
  it('have a line per tensor, and totals that add up', () => {
    const text = inspectionTable(inspection(two)[0]);
    expect(text.split('\n')[0]).toBe('net.esp: 706 B');
    expect(text).toMatch(/^fc\/kernel +40 × 20 +float32 +800 +60\.0 % /m);
    expect(text).toMatch(/^constant .* 0\.0 % +1 +3 +3 +0 +0\.00 /m);
    expect(text).toMatch(/^empty +0 × 4 +float32 +0 +— +0 +— +— +— /m);
    expect(text).toMatch(/^headers and topology +100$/m);
    expect(text).toMatch(/^all +4,848 +1,212 +606$/m);
  });

  it('show a name that steers the terminal as dots', () => {
    expect(inspectionTable(inspection([made('\u001b[2Jx', [2], wave(2))])[0])).not.toContain('\u001b');
  });
});
