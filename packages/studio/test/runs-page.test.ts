import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { recordRun, runsIn, serveStudio } from '../src/index.js';
import { axeFinds, executablePath, type Opened, openStudio, patience } from './page.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const lines = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, i) => {
    const epoch = from + i;
    return `${JSON.stringify({ stage: 'dense', epoch, loss: 1 / (1 + epoch), validationLoss: 1.1 / (1 + epoch), validationAccuracy: 1 - 0.5 / (1 + epoch), sparsity: 0, learningRate: 0.01, seconds: 2, wait: 0.1 })}\n`;
  }).join('');

const trials = [0.04, 0.02, 0.03, 0.019].map((error, trial) => ({
  trial,
  rung: 0,
  values: { 'stages.prune.tau': 10 ** -(trial + 1), 'stages.prune.scope': trial % 2 ? 'global' : 'local' },
  error,
  bytes: [8000, 9000, 12000, 20000][trial],
  seconds: 1,
}));

async function runs(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'espalier-runs-'));
  for (const [name, epochs] of [
    ['a', 4],
    ['deep/b', 6],
  ] as const) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, 'metrics.jsonl'), lines(epochs));
  }
  mkdirSync(join(root, 'search'));
  writeFileSync(join(root, 'search/search.json'), JSON.stringify({ fingerprint: '', trials }));
  return root;
}

describe.skipIf(!executablePath)('runs that are watched, in headless Chromium', () => {
  let studio: Opened;
  let root = '';
  let page: Page;
  beforeAll(async () => {
    root = await runs();
    studio = await openStudio(root);
    page = await studio.open();
  });
  afterAll(() => studio?.close());

  it('are listed, shown while they grow, and compared', async () => {
    await page.getByRole('link', { name: 'a', exact: true }).click();
    await page.getByText('4 epochs').waitFor(patience);
    // A line that is being written, and one that was done again after the run was killed.
    appendFileSync(join(root, 'a/metrics.jsonl'), `${lines(1, 3)}${lines(1, 4)}{"stage":"dense","ep`);
    await page.getByText('5 epochs').waitFor(patience);
    await page.getByRole('img', { name: 'Loss; last: training 0.2, validation 0.22' }).waitFor(patience);
    await page.getByText('3 runs').click();
    await page.getByLabel('Compare deep/b').check();
    await page.getByRole('heading', { name: '2 runs beside each other' }).waitFor(patience);
    await page.getByRole('img', { name: 'Training loss; last: a 0.2, deep/b 0.1667' }).waitFor(patience);
    expect(studio.problems).toEqual([]);
  });

  it('of one’s own loop are recorded by three methods', async () => {
    const listener = await recordRun(join(root, 'own'));
    listener.step({ epoch: 0, step: 3, steps: 10, loss: 0.7 });
    await listener.epoch({ epoch: 0, loss: 0.5 }, [
      { name: 'kernel', shape: [2, 3], values: Float32Array.of(0, 0, 0, 0.5, 0.5, -1) },
    ]);
    await page.goto(`${studio.studio.url}#run=own`);
    await page.getByText('train, epoch 1, loss 0.7000').waitFor(patience);
    await page.getByRole('img', { name: 'kernel', exact: true }).waitFor(patience);
    await page.getByText('6 weights, 50 % are 0, about 14 B, 3 values').waitFor(patience);
    await listener.end();
    await page.locator('header .state.stopped').waitFor(patience);
    expect(studio.problems).toEqual([]);
  });

  it('of a search are a front, a hypervolume and parallel coordinates', async () => {
    await page.goto(`${studio.studio.url}#run=search`);
    const front = page.getByRole('img', { name: 'error against size' });
    await front.waitFor(patience);
    // Trial 2 is larger than trial 1 and worse.
    expect(await front.locator('circle.s1').count()).toBe(3);
    expect(await front.locator('circle.s4').count()).toBe(1);
    await page.getByRole('img', { name: 'Hypervolume' }).waitFor(patience);
    expect(await page.locator('path.parallel').count()).toBe(4);
    await page.setViewportSize({ width: 390, height: 800 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const place of ['#run=search', '#run=a', '#run=a&run=deep/b']) {
        await page.goto(studio.studio.url + place);
        await page.locator('.watch svg, .watch canvas').first().waitFor(patience);
        expect(await axeFinds(page), place).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), place).toBe(390);
      }
    }
    expect(studio.problems).toEqual([]);
  });
});

describe('what is served', () => {
  const get = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; body: string; policy: string | undefined }>((done) => {
      request(url, { headers, method, path: url.slice(new URL(url).origin.length) }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          done({
            status: response.statusCode!,
            body,
            policy: response.headers['content-security-policy'] as string | undefined,
          }),
        );
      }).end();
    });

  it('are files that a run shows, to pages of this machine alone', async () => {
    const root = await runs();
    const home = await mkdtemp(join(tmpdir(), 'espalier-page-'));
    writeFileSync(join(home, 'index.html'), '<!doctype html><html lang="en"></html>');
    writeFileSync(join(root, 'a/secret.txt'), 'secret');
    writeFileSync(join(root, 'a/report.html'), '<p>');
    symlinkSync(join(home, 'index.html'), join(root, 'deep/b/report.html'));
    const { url, close } = await serveStudio({ page: home, runs: root });
    try {
      expect((await get(url)).body).toContain('data-watches');
      const listed = JSON.parse((await get(`${url}runs.json`)).body) as { path: string; state: string }[];
      expect(listed.map(({ path }) => path).sort()).toEqual(['a', 'deep/b', 'search']);
      expect(listed.map(({ state }) => state).sort()).toEqual(['done', 'stopped', 'stopped']);
      expect((await get(`${url}runs/a/metrics.jsonl`)).body).toBe(lines(4));
      // A report may come from anybody.
      expect((await get(`${url}runs/a/report.html`)).policy).toMatch(/^sandbox/);
      for (const path of [
        'runs/a/secret.txt',
        'runs/deep/b/report.html',
        '../package.json',
        'runs/../../x',
        '%2e%2e/x',
      ]) {
        expect((await get(url + path)).status, path).toBe(404);
      }
      expect((await get(url, { Host: 'evil.example' })).status).toBe(403);
      expect((await get(`${url}runs.json`, { Origin: 'https://evil.example' })).status).toBe(403);
      expect((await get(url, {}, 'POST')).status).toBe(405);
      const port = Number(new URL(url).port);
      await expect(serveStudio({ page: home, port })).rejects.toThrow(`Port ${port} is taken`);
    } finally {
      await close();
    }
    await expect(serveStudio({ page: home, runs: join(root, 'none') })).rejects.toThrow('There is no folder');
    await expect(serveStudio({ page: root })).rejects.toThrow('npm run build');
    expect(await runsIn(join(root, 'none'))).toEqual([]);
  });
});
