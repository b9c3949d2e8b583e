import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { espalier, folder, tinyCifar, tinyRecipe } from './fixtures.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const executablePath = findChromium();
if (!executablePath) {
  console.warn('runner: no Chromium found (set $CHROMIUM or install it): watching runs is not tested');
}

const patience = { timeout: 120_000 };

// A process is held by a signal that Windows does not have.
describe.skipIf(!executablePath || process.platform === 'win32')('espalier studio, watching', () => {
  let browser: Browser;
  let page: Page;
  let studio: ReturnType<typeof spawn>;
  let url = '';
  const runs = folder();
  const recipe = tinyRecipe(folder(), tinyCifar(join(folder(), 'cifar')), (text) =>
    // Long enough to be looked at, and for more than one checkpoint.
    text.replace('epochs: 3', 'epochs: 40').replace('epochs: 4\n', 'epochs: 40\n'),
  );
  const out = join(runs, 'tiny');
  const problems: string[] = [];

  beforeAll(async () => {
    const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
    studio = spawn(process.execPath, [cli, 'studio', runs], { stdio: ['ignore', 'pipe', 'inherit'] });
    url = await new Promise<string>((done) => {
      studio.stdout?.on('data', (chunk) => done(String(chunk).trim()));
    });
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.setDefaultTimeout(patience.timeout);
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('request', (request) => !request.url().startsWith(url) && problems.push(request.url()));
    await page.goto(url);
  });
  afterAll(async () => {
    await browser?.close();
    const ended = new Promise((done) => studio.once('close', done));
    studio.kill();
    await ended;
  });

  const epochs = async (): Promise<number> =>
    Number(
      /(\d+) epochs?/.exec((await page.locator('.watch header .meta').first().textContent()) ?? '')?.[1],
    );

  it('follows a run that is killed and resumed, to its report', async () => {
    await page.getByText('Nothing has been run in this folder yet').waitFor(patience);
    const killed = await espalier(['run', recipe, '--out', out, '--watch'], (child) => {
      const wait = setInterval(async () => {
        if (!existsSync(join(out, 'metrics.jsonl'))) return;
        clearInterval(wait);
        // Held where it is, so that there is time to look; the process lives, and has the run's lock.
        child.kill('SIGSTOP');
        await page.locator('header .state.running').waitFor(patience);
        child.kill('SIGKILL');
      }, 5);
    });
    expect(killed.code).toBe(null);
    await page.locator('header .state.stopped').waitFor(patience);
    await page.getByRole('img', { name: /^Loss; last: training \d/ }).waitFor(patience);
    const before = await epochs();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(82);
    expect((await espalier(['run', recipe, '--out', out, '--watch', '--resume'])).code).toBe(0);
    await page.getByText(/^Done: /).waitFor(patience);
    expect(await epochs()).toBe(82);
    expect(await page.getByRole('link', { name: 'Its report' }).getAttribute('href')).toBe(
      'runs/tiny/report.html',
    );
    expect(problems).toEqual([]);
  });

  it('shows what the run wrote of its tensors and its memory', async () => {
    const lines = readFileSync(join(out, 'watch.jsonl'), 'utf8').trim().split('\n');
    const last = JSON.parse(lines.at(-1)!) as { tensors: { name: string; counts: number[] }[] };
    expect(last.tensors.map(({ name }) => name)).toContain('dense_3/kernel');
    await page.getByRole('img', { name: 'dense_3/kernel', exact: true }).waitFor(patience);
    await page.getByRole('img', { name: /^Memory; last: process \d/ }).waitFor(patience);
    expect(problems).toEqual([]);
  });

  it('shows the trials of a search as they are done: front, hypervolume, parallel coordinates', async () => {
    const home = folder();
    const go = join(home, 'go');
    // A pruner that waits before the fourth trial: what the page shows then is of a search at work.
    writeFileSync(
      join(home, 'hold.mjs'),
      `import { existsSync } from 'node:fs';
import { level } from ${JSON.stringify(new URL('../../pruners/dist/index.js', import.meta.url).href)};
let begun = 0;
export function hold(options) {
  const pruner = level(options);
  return {
    ...pruner,
    start(...given) {
      const until = Date.now() + 240_000;
      for (const cell = new Int32Array(new SharedArrayBuffer(4)); begun === 3 && !existsSync(${JSON.stringify(go)}); ) {
        if (Date.now() > until) throw new Error('nobody said go');
        Atomics.wait(cell, 0, 0, 20);
      }
      begun++;
      return pruner.start(...given);
    },
  };
}
`,
    );
    const searched = tinyRecipe(home, tinyCifar(join(home, 'cifar')), (text) =>
      text
        .replace(/ {2}- name: prune[\s\S]*/, '')
        .concat(
          "  - { name: prune, use: './hold.mjs#hold', options: { sparsity: 0.5 }, parameters: '**/kernel' }\n",
          "search: { paths: { 'stages.prune.options.sparsity': { from: 0.2, to: 0.98 } } }\n",
        ),
    );
    const search = join(runs, 'search');
    await page.goto(`${url}#run=search`);
    const done = espalier(['search', searched, '--trials', '6', '--backend', 'cpu', '--out', search]);
    try {
      await page.getByText('running · 3 trials, 1 at work').waitFor(patience);
      for (const name of ['error against size', 'Hypervolume'])
        await page.getByRole('img', { name }).waitFor(patience);
      expect(await page.locator('path.parallel').count()).toBe(3);
      expect(await page.getByRole('img', { name: 'error against size' }).locator('circle.dot').count()).toBe(
        3,
      );
    } finally {
      writeFileSync(go, '');
    }
    const { code, stderr } = await done;
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    await page.getByText('done · 6 trials').waitFor(patience);
    expect(await page.locator('path.parallel').count()).toBe(6);
    expect(problems).toEqual([]);
  });
});
