import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { posteriors, schedules } from './every-plugin.js';
import { folder } from './fixtures.js';
import { difference, train } from './train-tiny.js';
import type { PageTrained } from './webgpu-page.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const executablePath = findChromium();
if (!executablePath) {
  console.warn('runner: no Chromium found (set $CHROMIUM or install it): training in a page is not tested');
}

/** All of them train on the same programs in Node (webgpu-conformance.test.ts); here every third, and all posteriors. */
const some = Object.entries(schedules).filter((_, i) => i % 3 === 0);

describe.skipIf(!executablePath)('in a page of headless Chromium with WebGPU', () => {
  let browser: Browser;
  let server: Server;
  let page: Page;

  beforeAll(async () => {
    const outDir = folder();
    await build({
      entry: [fileURLToPath(new URL('./webgpu-page.ts', import.meta.url))],
      outDir,
      config: false,
      silent: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      noExternal: [/.*/],
      outExtension: () => ({ js: '.js' }),
      esbuildOptions: (options) => {
        options.conditions = ['espalier-source', 'module', 'browser'];
      },
    });
    const script = readFileSync(join(outDir, 'webgpu-page.js'));
    server = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
      response.end(isScript ? script : '<script type="module" src="/page.js"></script>');
    }).listen(0, '127.0.0.1');
    const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
    browser = await chromium.launch({ executablePath: executablePath!, args });
    page = await browser.newPage();
    // A secure context, without which there is no WebGPU.
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'trainWith' in globalThis);
    expect(await page.evaluate('start()')).toMatch(/swiftshader/);
    await tf.setBackend('cpu');
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each([...some, ...Object.entries(posteriors)])(
    '%s trains to the numbers of the CPU, resumes to the same bytes and keeps nothing',
    async (name, make) => {
      const trained = (await page.evaluate(`trainWith(${JSON.stringify(name)})`)) as PageTrained;
      expect(trained).toMatchObject({ same: true, tensorsMore: 0 });
      expect(difference(trained, await train(make, undefined))).toBeUndefined();
    },
  );
});
