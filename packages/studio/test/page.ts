import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { type FleetSource, type Studio, serveStudio } from '../src/index.js';

export const executablePath: string | undefined = findChromium();
if (!executablePath) {
  console.warn('studio: no Chromium found (set $CHROMIUM or install it): its pages are not tested');
}

/** Waits of a page under load. */
export const patience = { timeout: 120_000 };

/** The page, bundled from its sources, in a browser. */
export interface Opened {
  readonly browser: Browser;
  readonly studio: Studio;
  /** What no page may do: errors, requests for what is not its own. */
  readonly problems: string[];
  open(place?: string, width?: number): Promise<Page>;
  close(): Promise<void>;
}

let built: Promise<string> | undefined;

async function page(): Promise<string> {
  const { buildPage } = (await import(new URL('../scripts/build-page.mjs', import.meta.url).href)) as {
    buildPage(outdir: string): Promise<unknown>;
  };
  const folder = await mkdtemp(join(tmpdir(), 'espalier-studio-'));
  await buildPage(folder);
  return folder;
}

/** The folder with the page's files. */
export function builtPage(): Promise<string> {
  built ??= page();
  return built;
}

export async function openStudio(runs?: string, fleet?: FleetSource): Promise<Opened> {
  const studio = await serveStudio({
    page: await builtPage(),
    ...(runs && { runs }),
    ...(fleet && { fleet }),
  });
  const browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  const problems: string[] = [];
  return {
    browser,
    studio,
    problems,
    async open(place = '', width = 1280) {
      const opened = await browser.newPage({ viewport: { width, height: 900 } });
      opened.setDefaultTimeout(patience.timeout);
      opened.on('pageerror', (error) => problems.push(String(error)));
      opened.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      opened.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
      opened.on('request', (request) => {
        const url = request.url();
        const own = [studio.url, `blob:${studio.url}`, 'data:'].some((start) => url.startsWith(start));
        if (!own) problems.push(url);
      });
      await opened.goto(studio.url + place);
      return opened;
    },
    async close() {
      await browser.close();
      await studio.close();
    },
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds in a page: rule, and where. */
export async function axeFinds(opened: Page): Promise<string[]> {
  // What fades has neither its first nor its last colour.
  await opened.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))');
  await opened.evaluate(axe);
  return (await opened.evaluate(
    `axe.run(document).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target)))`,
  )) as string[];
}
