import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet, logsOf, putBundle, Study, statusOf, trialsOf } from '@espalier/fleet';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { called, hasPostgres, Postgres } from '../../fleet/test/postgres.js';
import { aborted, until, working } from '../../fleet/test/waiting.js';
import { axeFinds, executablePath, type Opened, openStudio, patience } from './page.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const key = 'a key for tests, as long as it has to be';

describe.skipIf(!executablePath || !hasPostgres)(
  `a fleet that is watched, in headless Chromium, ${called}`,
  () => {
    let postgres: Postgres;
    let fleet: Fleet;
    let studio: Opened;
    let page: Page;

    beforeAll(async () => {
      postgres = await Postgres.start();
      fleet = await Fleet.open({ url: postgres.url, key, patience: 2 });
      studio = await openStudio(undefined, {
        shown: fleet.database.shown,
        status: () => statusOf(fleet),
        trials: (study) => trialsOf(fleet, study),
        log: (study, trial) => logsOf(fleet, study, trial),
      });
      page = await studio.open();
    });
    afterAll(async () => {
      await studio?.close();
      await fleet?.close();
      await postgres?.stop();
    });

    const cell = (table: string, row: string, text: string) =>
      page
        .getByRole('region', { name: table })
        .getByRole('row', { name: row })
        .getByRole('cell', { name: text, exact: true })
        .first()
        .waitFor(patience);

    it('shows studies, workers, trials, rates, failures with their logs, the front and the time left, as they come', async () => {
      await page.getByText('The fleet has no study yet').waitFor(patience);
      await page.getByText('None was heard of within a minute').waitFor(patience);
      const root = mkdtempSync(join(tmpdir(), 'espalier-fleet-'));
      writeFileSync(join(root, 'recipe.yaml'), 'name: x');
      const needs = { backend: 'cpu', versions: {} };
      const bundle = await putBundle(fleet, root, ['recipe.yaml'], { needs, folder: '' });
      const study = await Study.open(fleet, 'a study', bundle);
      void Promise.allSettled([0, 1, 2, 3, 4].map((n) => study.run({ n }, `Trial ${n}`, join(root, `${n}`))));
      await until('trials', async () => (await trialsOf(fleet, 'a study')).length === 5);
      const cancelled = new AbortController();
      const looked = (async () => {
        // One study alone is chosen without being asked for.
        await page.getByRole('heading', { name: 'a study' }).waitFor(patience);
        await cell('Table of workers', 'bench', 'gpu');
        await cell('Table of trials', 'Trial 1', 'done');
        await cell('Table of trials', 'Trial 4', 'running');
        await cell('Table of trials', 'Trial 4', 'dense, epoch 3, loss 0.2500');
        const failure = page.getByText('Trial 3 of a study: no such layer');
        await failure.focus();
        await page.keyboard.press('Enter');
        await page.getByText('trial 3 begins').waitFor(patience);
        await page.getByRole('img', { name: 'error against size' }).waitFor(patience);
        // Trial 2 is larger than trial 1 and worse.
        expect(await page.getByRole('listitem').allTextContents()).toEqual([
          '1.00 kB at 5.00 % error: Trial 0',
          '2.00 kB at 2.00 % error: Trial 1',
        ]);
        const row = page
          .getByRole('region', { name: 'Table of studies' })
          .getByRole('row', { name: 'a study' });
        const cells = await row.getByRole('cell').allTextContents();
        expect(cells.slice(2, 7)).toEqual(['0', '1', '3', '1', '0']);
        expect(Number(cells[7])).toBeGreaterThan(0);
        expect(cells[8]).toMatch(/^\d.* (ms|s|min|h)/);
        await page.getByRole('link', { name: 'all that it said' }).click();
        await page.getByRole('heading', { name: 'What Trial 3 said' }).waitFor(patience);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width: 390, height: 800 });
          expect(await axeFinds(page)).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
        }
      })().finally(() => cancelled.abort());
      await working(
        fleet,
        {
          name: 'bench',
          backend: 'cpu',
          tags: ['gpu'],
          slots: 2,
          lease: 2,
          objection: async () => undefined,
          passing: () => false,
          results: [],
          checkpoint: [],
          async run({ task, info, epoch }) {
            const { n } = task as { n: number };
            info(`trial ${n} begins`);
            if (n === 3) throw new Error('no such layer');
            if (n === 4) {
              for (const [at, loss] of [1, 0.5, 0.25].entries())
                epoch({ stage: 'dense', epoch: at, loss } as never);
              await aborted(cancelled.signal);
            }
            return { error: [0.05, 0.02, 0.03, 0, 0.5][n], bytes: 1000 * (n + 1) };
          },
        },
        looked,
      );
      await cell('Table of studies', 'a study', 'ended');
      expect(studio.problems).toEqual([]);
    });

    it('says that the database does not answer, and goes on when it does', async () => {
      await postgres.down();
      await page.getByRole('alert').filter({ hasText: '127.0.0.1' }).waitFor(patience);
      // What was seen last stays.
      await page.getByRole('heading', { name: 'a study' }).waitFor(patience);
      await postgres.up();
      await page.getByRole('alert').waitFor({ state: 'detached', ...patience });
      await page.goto(`${studio.studio.url}#fleet&study=none`);
      await page.getByRole('alert').filter({ hasText: 'The fleet has no study none.' }).waitFor(patience);
    });

    it('is only read, by pages of this machine alone', async () => {
      const { url } = studio.studio;
      expect((await fetch(`${url}fleet.json`, { method: 'POST' })).status).toBe(405);
      expect((await fetch(`${url}fleet.json`, { headers: { Origin: 'https://evil.example' } })).status).toBe(
        403,
      );
      expect((await fetch(`${url}fleet/trials.json?study=none`)).status).toBe(404);
      expect((await fetch(`${url}fleet/constructor`)).status).toBe(404);
      expect((await fetch(`${url}runs.json`)).status).toBe(404);
      const text = await (await fetch(`${url}fleet.json`)).text();
      expect(text).not.toMatch(/a key for tests|espalier@/);
    });
  },
);
