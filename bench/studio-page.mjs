/**
 * The studio's page in headless Chromium: a model is dropped on it, and compressed. Prints JSON: what the page loads first (gzip), the
 * longest tasks of its main thread for each part (PerformanceObserver, those over 50 ms of the wall; and, by Chromium's tracing, of the
 * processor, which says what they take where nobody else computes), the processor's seconds of the browser for compressing, and
 * of this process for the same by each backend of Node, with whether the bytes are the same. `npm run build` first.
 *
 *   node bench/studio-page.mjs default-model|nsfwjs [--quality 45] [--seconds Infinity|20|50|300] [--only page|native|wasm]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { serveStudio } from '@espalier/studio';
import { chromium } from 'playwright-core';
import { fromScripts } from '../examples/existing-models/models.js';
import { packageFolder } from '../examples/existing-models/packages.js';
import { findChromium } from '../scripts/lib/chromium.mjs';
import { round } from './lib/numbers.mjs';

const {
  values: { quality, seconds, only },
  positionals: [name = 'default-model'],
} = parseArgs({
  allowPositionals: true,
  options: {
    quality: { type: 'string', default: '45' },
    seconds: { type: 'string', default: 'Infinity' },
    only: { type: 'string' },
  },
});

/** The model's files, as they would be dropped. */
const models = {
  'default-model': async () => {
    const folder = join(await packageFolder('@upscalerjs/default-model@1.0.0'), 'models');
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /model\.json$|\.bin$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
  },
  nsfwjs: async () => {
    const folder = join(await packageFolder('nsfwjs@4.3.0'), 'dist', 'models', 'inception_v3');
    const shards = readdirSync(folder)
      .filter((file) => /^group1-shard\d+of\d+\.min\.js$/.test(file))
      .sort((a, b) => Number.parseInt(a.slice(12), 10) - Number.parseInt(b.slice(12), 10));
    const { weightSpecs, weightData, ...rest } = await fromScripts(
      folder,
      shards.map((file) => file.replace('.min.js', '')),
    );
    const to = mkdtempSync(join(tmpdir(), 'nsfwjs-'));
    writeFileSync(join(to, 'weights.bin'), new Uint8Array(weightData));
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    writeFileSync(join(to, 'model.json'), JSON.stringify({ ...rest, weightsManifest }));
    return ['model.json', 'weights.bin'].map((file) => join(to, file));
  },
};

/** Seconds that a process and all below it have had of the processor. */
function processorSeconds(root) {
  const all = readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id))
    .flatMap((id) => {
      try {
        const [, , , parent, ...rest] = readFileSync(`/proc/${id}/stat`, 'utf8')
          .replace(/\(.*\)/, 'x')
          .split(' ');
        // utime, stime, and those of children that have ended.
        const ticks = [9, 10, 11, 12].reduce((sum, field) => sum + Number(rest[field]), 0);
        return [{ id: Number(id), parent: Number(parent), ticks }];
      } catch {
        return [];
      }
    });
  const below = (id) =>
    all.filter(({ parent }) => parent === id).reduce((sum, one) => sum + below(one.id), 0) +
    (all.find((one) => one.id === id)?.ticks ?? 0);
  return below(root) / 100;
}

const files = await models[name]();
const bytesOf = (file) => createHash('sha256').update(file).digest('hex').slice(0, 16);

/** The longest task of the page's main thread in each part, in milliseconds of the processor. */
function longestOnProcessor(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const marks = traceEvents
    .filter(({ name }) => name.startsWith('part '))
    .map(({ name, ts, pid, tid }) => ({ part: name.slice(5), ts, pid, tid }))
    .sort((a, b) => a.ts - b.ts);
  const { pid, tid } = marks[0];
  const longest = {};
  for (const event of traceEvents) {
    if (event.pid !== pid || event.tid !== tid || event.tdur === undefined || !/RunTask$/.test(event.name))
      continue;
    const part = marks.findLast(({ ts }) => ts <= event.ts)?.part ?? 'load';
    longest[part] = Math.max(longest[part] ?? 0, Math.round(event.tdur / 1000));
  }
  return longest;
}

async function inPage() {
  const studio = await serveStudio();
  const server = await chromium.launchServer({ executablePath: findChromium(), args: ['--no-sandbox'] });
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(3_600_000);
  await page.addInitScript(`
    window.tasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) window.tasks.push({ at: startTime, ms: duration, part: window.part });
    }).observe({ type: 'longtask', buffered: true });
    window.part = 'load';`);
  const part = (text) =>
    page.evaluate(
      `performance.mark('part ' + ${JSON.stringify(text)}); window.part = ${JSON.stringify(text)}`,
    );
  // By its own means: what Playwright looks for it looks for on the main thread, too.
  const there = (selector) =>
    page.waitForFunction((one) => document.querySelector(one) !== null, selector, { polling: 250 });
  const click = (selector) => page.evaluate((one) => document.querySelector(one).click(), selector);
  const set = (selector, event, value) =>
    page.evaluate(
      ([one, name, to]) => {
        const input = document.querySelector(one);
        input.value = to;
        input.dispatchEvent(new Event(name, { bubbles: true }));
      },
      [selector, event, String(value)],
    );
  await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  await page.goto(studio.url);
  let first = 0;
  for (const url of await page.evaluate(
    "[location.href, ...performance.getEntriesByType('resource').map(({ name }) => name)].filter((url) => !url.startsWith('data:'))",
  )) {
    first += gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length;
  }
  await part('open');
  await page.setInputFiles('#files', files);
  await there('header.model h1, [role=alert]');
  await part('inspect');
  await there('table.sortable tbody tr');
  await page.waitForTimeout(2000);
  await part('compress');
  await set('.options select:has(option[value="50"])', 'change', seconds);
  await set('#wish', 'input', { 50: 4, 45: 5, 40: 6 }[quality]);
  const pid = server.process().pid;
  const [before, began] = [processorSeconds(pid), performance.now()];
  await click('button.primary');
  await there('#download, .card [role=alert]');
  const [cpu, wall] = [processorSeconds(pid) - before, (performance.now() - began) / 1000];
  await part('take along');
  const [download] = await Promise.all([page.waitForEvent('download'), click('#download')]);
  const taken = join(mkdtempSync(join(tmpdir(), 'studio-bench-')), 'model.esp');
  await download.saveAs(taken);
  const file = readFileSync(taken);
  await part('run both');
  await click('[aria-label="Beside the original"] .choices > button');
  await there('#tried');
  await part('scroll');
  for (let y = 0; y < 12_000; y += 600) {
    await page.mouse.wheel(0, 600);
    await page.waitForTimeout(50);
  }
  const tasks = await page.evaluate('window.tasks');
  const isolated = await page.evaluate('crossOriginIsolated');
  const onProcessor = longestOnProcessor(await browser.stopTracing());
  await browser.close();
  await server.close();
  await studio.close();
  const longest = {};
  for (const { ms, part: where } of tasks) longest[where] = Math.max(longest[where] ?? 0, Math.round(ms));
  return {
    firstPaintGzip: first,
    longestTasksMs: longest,
    longestTasksProcessorMs: onProcessor,
    tasksOver50: tasks.length,
    isolated,
    cpuSeconds: round(cpu, 1),
    wallSeconds: round(wall, 1),
    bytes: file.length,
    sha: bytesOf(file),
  };
}

/** The same by the command, in a process of its own. */
function byCommand(backend) {
  const out = join(mkdtempSync(join(tmpdir(), 'studio-bench-')), 'model.esp');
  const cli = fileURLToPath(new URL('../packages/runner/dist/cli.js', import.meta.url));
  const began = performance.now();
  const model = files.find((file) => file.endsWith('.json'));
  const args = [
    'compress',
    model,
    '-o',
    out,
    '--quality',
    quality,
    '--backend',
    backend,
    '--seconds',
    seconds,
  ];
  const { status, stderr, stdout } = spawnSync(
    '/usr/bin/env',
    ['bash', '-c', 'time "$@"; ', 'x', process.execPath, cli, ...args],
    { encoding: 'utf8' },
  );
  if (status !== 0) return { failed: stderr || stdout };
  const of = (what) => {
    const [, minutes, rest] = new RegExp(`${what}\\s+(\\d+)m([\\d.]+)s`).exec(stderr);
    return 60 * Number(minutes) + Number(rest);
  };
  const file = readFileSync(out);
  return {
    cpuSeconds: round(of('user') + of('sys'), 1),
    wallSeconds: round((performance.now() - began) / 1000, 1),
    bytes: file.length,
    sha: bytesOf(file),
  };
}

const wanted = (what) => only === undefined || only === what;
const row = { name, quality: Number(quality), seconds };
if (wanted('native')) row.native = byCommand('native');
if (wanted('wasm')) row.wasm = byCommand('wasm');
if (wanted('page')) row.page = await inPage();
process.stdout.write(`${JSON.stringify(row, null, 2)}\n`);
