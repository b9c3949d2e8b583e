import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../scripts/lib/chromium.mjs';

const executablePath = findChromium();
if (!executablePath) {
  console.warn('browser-digits: no Chromium found (set $CHROMIUM or install it): its tests are skipped');
}

interface Demo {
  decodeMs: number;
  small: number;
  plain: number;
  tensors(): number;
}

interface Golden {
  file: string;
  weightsSha256: string;
}

describe.skipIf(!executablePath)('the page in headless Chromium', () => {
  const codec = fileURLToPath(new URL('../../../packages/codec/', import.meta.url));
  let browser: Browser;
  let server: Server;
  let url = '';
  const problems: string[] = [];

  beforeAll(async () => {
    // The page loads what a user would install: the built package.
    if (!existsSync(join(codec, 'dist/streaming.js'))) {
      execFileSync('npx', ['tsup', '--config', 'tsup.config.ts'], { cwd: codec });
    }
    const { serve } = (await import(new URL('../server.js', import.meta.url).href)) as {
      serve(): Promise<{ server: Server; url: string }>;
    };
    ({ server, url } = await serve());
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function open(query = ''): Promise<Page> {
    const page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('requestfailed', (request) => problems.push(request.url()));
    await page.goto(url + query);
    await page.waitForFunction(() => 'espalierDemo' in globalThis, undefined, { timeout: 200_000 });
    return page;
  }

  /** Draws strokes given in parts of the pad, and returns the page's answer. */
  async function draw(page: Page, strokes: [number, number][][]): Promise<string> {
    await page.click('#clear');
    const box = (await page.locator('#pad').boundingBox())!;
    for (const [first, ...rest] of strokes) {
      await page.mouse.move(box.x + first[0] * box.width, box.y + first[1] * box.height);
      await page.mouse.down();
      for (const [x, y] of rest)
        await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 4 });
      await page.mouse.up();
    }
    return (await page.locator('#answer').textContent()) ?? '';
  }

  const circle: [number, number][] = Array.from({ length: 25 }, (_, i) => [
    0.5 + 0.2 * Math.cos((i * Math.PI) / 12),
    0.5 + 0.3 * Math.sin((i * Math.PI) / 12),
  ]);

  for (const query of ['', '?worker']) {
    it(`loads, recognises digits and keeps its memory${query ? ', decoding in a worker' : ''}`, async () => {
      const page = await open(query);
      const demo = await page.evaluate(() => {
        const { decodeMs, small, plain } = (globalThis as unknown as { espalierDemo: Demo }).espalierDemo;
        return { decodeMs, small, plain };
      });
      expect(demo.small).toBe(readFileSync(new URL('../model.esp', import.meta.url)).length);
      expect(demo.plain / demo.small).toBeGreaterThan(40);
      expect(demo.decodeMs).toBeLessThan(5000);
      expect(await page.locator('#layers li').count()).toBe(query ? 0 : 6);
      const tensors = (): Promise<number> =>
        page.evaluate(() => (globalThis as unknown as { espalierDemo: Demo }).espalierDemo.tensors());
      expect(
        await draw(page, [
          [
            [0.52, 0.15],
            [0.48, 0.85],
          ],
        ]),
      ).toBe('1');
      const before = await tensors();
      expect(await draw(page, [circle])).toBe('0');
      expect(
        await draw(page, [
          [
            [0.3, 0.2],
            [0.7, 0.2],
            [0.42, 0.85],
          ],
        ]),
      ).toBe('7');
      expect(await tensors()).toBe(before);
      expect(problems).toEqual([]);
      await page.close();
    });
  }

  it('decodes the golden files to the same SHA-256 as Node, in the main thread and in a worker', async () => {
    const golden = JSON.parse(readFileSync(join(codec, 'test/golden/golden.json'), 'utf8')) as Golden[];
    const page = await open();
    const files = JSON.stringify(golden.map(({ file }) => file));
    const found = await page.evaluate(`import('/test/golden-page.js').then((page) => page.hashes(${files}))`);
    expect(found).toEqual(golden.map(({ weightsSha256 }) => [weightsSha256, weightsSha256]));
  });
});
