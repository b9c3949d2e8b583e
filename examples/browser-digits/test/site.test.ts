import { createReadStream, existsSync, mkdtempSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../scripts/lib/chromium.mjs';
import { live, missing } from '../../../scripts/site/live.mjs';

const executablePath = findChromium();
const patience = { timeout: 120_000 };
const types: Record<string, string> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };

// On a server that knows nothing of them, below a path, as on the site.
describe.skipIf(!executablePath || missing().length > 0)('pages of the site that are programs', () => {
  const site = mkdtempSync(join(tmpdir(), 'espalier-site-'));
  let server: Server;
  let browser: Browser;
  let url = '';
  beforeAll(async () => {
    for (const [to, copy] of live) copy(join(site, to));
    server = createServer(({ url: asked = '/' }, response) => {
      const file = join(site, decodeURIComponent(new URL(asked, 'http://local').pathname));
      const there = existsSync(file) && statSync(file).isFile();
      response.writeHead(there ? 200 : 404, {
        'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      });
      if (there) createReadStream(file).pipe(response);
      else response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  it('work there: the digits are ready, in a worker too, the studio takes their model', async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('response', (response) => response.status() >= 400 && problems.push(response.url()));
    for (const way of ['', '?worker']) {
      await page.goto(`${url}/digits/index.html${way}`);
      await page.locator('#answer', { hasText: '?' }).waitFor(patience);
      expect(await page.locator('#small').textContent()).toBe('this file: 13.9 kB');
    }
    await page.goto(`${url}/studio/index.html`);
    await page.setInputFiles('#files', join(site, 'digits', 'model.esp'), patience);
    await page.getByRole('heading', { name: 'model.esp' }).waitFor(patience);
    expect(problems).toEqual([]);
  });
});
