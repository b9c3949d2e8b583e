import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { codebook, mask, renderInspection, renderReport } from '../src/index.js';
import { madeUpReport } from './fixture.js';
import { inspection, made, wave } from './inspected.js';

const executablePath = findChromium();
if (!executablePath) {
  console.warn('report: no Chromium found (set $CHROMIUM or install it): the tests in a browser are skipped');
}

/** Runs in the page: names in plots that lie on each other, or that their plot cuts off. */
const findClashes = `[...document.querySelectorAll('svg.plot')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter((text) => text.textContent !== '' && frame.width > 0);
  const boxes = texts.map((text) => ({ text: text.textContent, slope: text.getAttribute('transform')?.includes('rotate(-40'), box: text.getBoundingClientRect() }));
  const within = 1;
  const cut = boxes.filter(({ box }) => box.left < frame.left - within || box.right > frame.right + within || box.bottom > frame.bottom + within || box.top < frame.top - within);
  // The boxes of sloping names overlap, though the names do not.
  const flat = boxes.filter(({ slope }) => !slope);
  const clashes = flat.flatMap((a, i) => flat.slice(i + 1).filter((b) =>
    a.box.left + within < b.box.right && b.box.left + within < a.box.right && a.box.top + 2 < b.box.bottom && b.box.top + 2 < a.box.bottom,
  ).map((b) => a.text + ' | ' + b.text));
  return [...cut.map(({ text }) => 'cut: ' + text), ...clashes].map((what) => svg.getAttribute('aria-label') + ': ' + what);
})`;

interface Sort {
  readonly numeric: boolean;
  readonly directions: string[];
  readonly orders: (string | number)[][];
}

/** Runs in the page: clicks each heading twice, and tells how the column stands then. */
const sortAll = `[...document.querySelectorAll('table.sortable')].flatMap((table) =>
  [...table.tHead.rows[0].cells].map((head, column) => {
    const numeric = head.classList.contains('n');
    const cell = (row) => numeric ? Number(row.cells[column].dataset.v) : row.cells[column].textContent;
    const directions = [];
    const orders = [1, 2].map(() => {
      head.querySelector('button').click();
      directions.push(head.getAttribute('aria-sort'));
      return [...table.tBodies[0].rows].map(cell);
    });
    return { numeric, directions, orders };
  }))`;

describe.skipIf(!executablePath)('the pages in headless Chromium', () => {
  let browser: Browser;
  const folder = mkdtempSync(join(tmpdir(), 'espalier-report-'));
  const problems: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
  });

  async function open(name: string, source: string, width = 1200): Promise<Page> {
    const file = join(folder, `${name}.html`);
    writeFileSync(file, source);
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(message.text()));
    page.on('request', (request) => {
      if (request.url() !== pathToFileURL(file).href && !request.url().startsWith('data:'))
        problems.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  const values = wave(1000, 60);
  const stages = madeUpReport().stages;
  const report = renderReport(
    madeUpReport({
      // Stages at nearly one place: their names have to make room for each other.
      stages: [
        ...stages,
        { ...stages[2], name: 'tune' },
        { ...stages[2], name: 'tune again', accuracy: 0.98315 },
      ],
      masks: [mask('dense_3/kernel', [100, 10], values)!],
      codebooks: [
        codebook(
          'dense_2/kernel',
          values.map((w) => Math.round(w * 50) / 50),
        )!,
      ],
    }),
  );
  const names = Array.from({ length: 30 }, (_, i) => `block_${i}_expand/conv2d_kernel`);
  const inspected = renderInspection(
    ...inspection([
      ...names.map((name, i) =>
        made(
          name,
          [20, 10 * (1 + (i % 4))],
          wave(200 * (1 + (i % 4)), 3 * i).map((w) => w / (1 + i * i)),
        ),
      ),
      made('bias', [4], Float32Array.of(1e-7, 2e-7, 4e-7, 9e-7)),
      made('large', [3, 2], Float32Array.of(-2e6, 1e6, 3e6, 0, 5e5, 1)),
    ]),
  );

  for (const [name, source] of Object.entries({ report, inspected })) {
    it(`${name}: no name lies on another, linear and logarithmic, wide and narrow`, async () => {
      for (const width of [1200, 420]) {
        const page = await open(name, source, width);
        for (const scale of ['#linear', '#log']) {
          await page.check(scale);
          expect(await page.evaluate(findClashes)).toEqual([]);
        }
        // Wide things scroll by themselves; the page does not.
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        await page.close();
      }
      expect(problems).toEqual([]);
    }, 240_000);

    it(`${name}: every table that sorts does so by each column, both ways`, async () => {
      const page = await open(name, source);
      const sorts = (await page.evaluate(sortAll)) as Sort[];
      expect(sorts.length).toBeGreaterThan(9);
      for (const { numeric, directions, orders } of sorts) {
        // Numbers the greatest first, texts from a to z.
        expect(directions).toEqual(numeric ? ['descending', 'ascending'] : ['ascending', 'descending']);
        for (const [i, cells] of orders.entries()) {
          const sorted = [...cells].sort((a, b) =>
            numeric ? Number(a) - Number(b) : String(a).localeCompare(String(b)),
          );
          expect(cells).toEqual(directions[i] === 'ascending' ? sorted : sorted.reverse());
        }
      }
      await page.close();
    }, 240_000);
  }

  it('follow the system from light to dark', async () => {
    const page = await open('scheme', report);
    const colours: unknown[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      colours.push(
        await page.evaluate(
          `[document.body, document.querySelector('.plot .title'), document.querySelector('.cells path')].map((e) => [getComputedStyle(e).backgroundColor, getComputedStyle(e).fill, getComputedStyle(e).stroke].join())`,
        ),
      );
    }
    const [light, dark] = colours as string[][];
    for (const i of [0, 1, 2]) expect(light[i]).not.toBe(dark[i]);
    await page.close();
  });
});
