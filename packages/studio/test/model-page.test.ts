import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { startBackend } from '@espalier/backend';
import { decode, encode } from '@espalier/codec';
import { compress } from '@espalier/compress';
import { readArtifacts, safetensorsBytes, writeNpy } from '@espalier/formats';
import { formatBytes } from '@espalier/report';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pictureModel, writeModel } from './models.js';
import { axeFinds, executablePath, type Opened, openStudio, patience } from './page.js';

/** Of the weights that lie beside a model.json. */
const bytesOf = (files: readonly string[]): number =>
  files.filter((file) => file.endsWith('.bin')).reduce((sum, file) => sum + readFileSync(file).length, 0);

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

describe.skipIf(!executablePath)('a model that is dropped, in headless Chromium', () => {
  let studio: Opened;
  let folder = '';
  let files: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'espalier-model-'));
    files = writeModel(join(folder, 'net'), await pictureModel());
    studio = await openStudio();
  });
  afterAll(() => studio?.close());

  const opened = async (page: Page, paths: string[]): Promise<void> => {
    await page.setInputFiles('#files', paths);
    await page.locator('header.model h1, [role=alert]').first().waitFor(patience);
  };

  it('is compressed to the bytes of the command line, cancelled at any time, taken along and decoded', async () => {
    const page = await studio.open();
    // As a drop, all files at once.
    const transfer = await page.evaluateHandle(
      (dropped) => {
        const data = new DataTransfer();
        for (const { name, bytes } of dropped) data.items.add(new File([new Uint8Array(bytes)], name));
        return data;
      },
      files.map((file) => ({ name: file.split(/[/\\]/).at(-1)!, bytes: [...readFileSync(file)] })),
    );
    await page.dispatchEvent('.drop', 'drop', { dataTransfer: transfer });
    await page.getByRole('heading', { name: 'model.json' }).waitFor(patience);
    expect(await page.locator('.meta').first().textContent()).toContain('6 tensors');
    await page.getByText('Options').click();
    await page.getByLabel('Time').selectOption('Infinity');
    await page.getByLabel('How near').fill('8');
    expect(await page.getByLabel('How near').getAttribute('aria-valuetext')).toContain('30 dB');

    // Within the page: on a busy machine the file would be there before a click from without.
    await page.evaluate(async () => {
      const button = (name: string) =>
        [...document.querySelectorAll('button')].find(({ textContent }) => textContent?.trim() === name);
      button('Compress')?.click();
      while (!button('Cancel')) await new Promise((next) => setTimeout(next));
      button('Cancel')?.click();
    });
    await page.getByText('Cancelled.').waitFor(patience);

    await page.getByRole('button', { name: 'Compress' }).click();
    await page.locator('#download').waitFor(patience);
    // Points of trials, and that of the file.
    expect(await page.locator('svg[aria-label="Quality against size"] circle').count()).toBeGreaterThan(1);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download').click()]);
    expect(download.suggestedFilename()).toBe('model.esp');
    const taken = readFileSync((await download.path())!);

    const { artifacts } = await readArtifacts(files[0]);
    const { name } = await startBackend({ prefer: 'wasm' });
    expect(name).toBe('wasm');
    const sample = { count: 48, length: 48, range: [0, 1], seed: 1 } as const;
    const made = await compress(artifacts, { quality: 30, sample, seconds: Number.POSITIVE_INFINITY });
    expect(taken.equals(made.file)).toBe(true);
    expect(decode(taken).weightSpecs?.length).toBe(6);
    expect(await page.locator('.take pre').textContent()).toContain(
      "tf.loadLayersModel(espalier('model.esp'))",
    );

    await page.getByRole('button', { name: 'made up' }).click();
    await page.locator('#tried').waitFor(patience);
    expect(await page.locator('#tried').textContent()).toContain('a photograph in the public domain');
    expect(await page.locator('.outputs figure').count()).toBe(3);
    expect(await axeFinds(page)).toEqual([]);
    await page.close();
    expect(studio.problems).toEqual([]);
  });

  it('shows layers to be unfolded, tables that sort and other forms; one runs it on a picture of one’s own', async () => {
    const page = await studio.open();
    await opened(page, files);
    await page.getByText('first', { exact: true }).click();
    await page.locator('svg[aria-label="first/kernel"]').waitFor(patience);
    await page.getByRole('button', { name: 'Bytes' }).click();
    const bytes = page.locator('table.sortable').first().locator('tbody tr td:nth-child(13)');
    const shown = (await bytes.allTextContents()).map((text) => Number(text.replaceAll(',', '')));
    expect(shown).toEqual([...shown].sort((a, b) => b - a));
    await page.getByRole('button', { name: 'Work it out' }).click();
    await page.getByRole('heading', { name: 'What it would take', exact: true }).waitFor(patience);
    expect(await axeFinds(page)).toEqual([]);
    await page.getByLabel('How near').fill('0');
    await page.getByRole('button', { name: 'Compress' }).click();
    await page.locator('#download').waitFor(patience);
    expect(await page.locator('.files').textContent()).toContain('the same bits');
    // The same slider by size.
    await page.getByLabel('Aim at').selectOption('a size');
    await page.getByLabel('How large').fill('2');
    const third = Number((bytesOf(files) / 3).toPrecision(3));
    expect(await page.getByLabel('How large').getAttribute('aria-valuetext')).toContain(
      `at most ${formatBytes(third)}, 3.00× smaller`,
    );
    await page.getByRole('button', { name: 'Compress' }).click();
    await page.locator('.files label').nth(1).waitFor(patience);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download').click()]);
    expect(readFileSync((await download.path())!).length).toBeLessThanOrEqual(third);
    expect(await page.locator('.files').textContent()).not.toContain('asked for');
    await page.locator('.files label').first().click();
    const dot =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
    const picture = { name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(dot, 'base64') };
    await page.setInputFiles('#input', picture);
    await page.locator('#tried').waitFor(patience);
    expect(await page.locator('#tried').textContent()).toMatch(
      /what you gave: no value differs by more than 0/,
    );
    await page.close();
    expect(studio.problems).toEqual([]);
  });

  it('is read in all forms: .h5, .keras, .safetensors, .npy, .esp, by an address; what is none is told', async () => {
    const artifacts = await pictureModel();
    const at = (name: string, bytes: Uint8Array): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const fixtures = fileURLToPath(new URL('../../formats/test/fixtures/', import.meta.url));
    const forms: [string, string][] = [
      [at('image.h5', gunzipSync(readFileSync(join(fixtures, 'image.h5.gz')))), 'layers model'],
      [join(fixtures, 'image.keras'), 'layers model'],
      [
        at('net.safetensors', safetensorsBytes({ ...artifacts, modelTopology: undefined } as never)),
        'weights without',
      ],
      [
        at(
          'fc.npy',
          writeNpy(
            [3, 4],
            Float32Array.from({ length: 12 }, (_, i) => i),
          ),
        ),
        'weights without',
      ],
      [at('net.esp', encode(artifacts)), 'layers model'],
    ];
    const page = await studio.open();
    for (const [file, kind] of forms) {
      await page.setInputFiles('#files', file);
      await page.getByRole('heading', { name: file.split(/[/\\]/).at(-1)! }).waitFor(patience);
      expect(await page.locator('.model .meta').textContent()).toContain(kind);
    }
    await page.setInputFiles('#files', at('broken.esp', new Uint8Array(64)));
    await page.getByRole('alert').waitFor(patience);
    expect(await page.getByRole('alert').textContent()).toMatch(/broken\.esp/);
    await page.setInputFiles('#files', at('net.onnx', new Uint8Array(64)));
    await page.getByText('is an ONNX model').waitFor(patience);
    // Another host, which lets other pages read it: asked for the model's own files, and sent nothing.
    const asked: string[] = [];
    const elsewhere = createServer(({ method, url = '' }, response) => {
      asked.push(`${method} ${url}`);
      const file = files.find((one) => url === `/net/${one.split(/[/\\]/).at(-1)}`);
      response
        .writeHead(file ? 200 : 404, { 'Access-Control-Allow-Origin': '*' })
        .end(file && readFileSync(file));
    });
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
    const { port } = elsewhere.address() as AddressInfo;
    await page.getByLabel('Address').fill(`http://127.0.0.1:${port}/net/model.json`);
    await page.getByRole('button', { name: 'Fetch' }).click();
    await page.getByRole('heading', { name: 'model.json' }).waitFor(patience);
    expect(asked).toEqual(
      ['model.json', 'group1-shard1of2.bin', 'group1-shard2of2.bin'].map((name) => `GET /net/${name}`),
    );
    expect(studio.problems.splice(0)).toEqual(asked.map((ask) => `http://127.0.0.1:${port}${ask.slice(4)}`));
    elsewhere.close();
    elsewhere.closeAllConnections();
    await page.getByLabel('Address').fill('ftp://example.org/model.json');
    await page.getByRole('button', { name: 'Fetch' }).click();
    await page.getByText('ftp: is no way to fetch a model').waitFor(patience);
    await page.close();
    expect(studio.problems).toEqual([]);
  });

  it('finds a page of at most 150 kB that works by keyboard, at 390 px, dark and light, with nothing for axe', async () => {
    let bytes = 0;
    const page = await studio.open('', 390);
    for (const url of (await page.evaluate(
      "[location.href, ...performance.getEntriesByType('resource').map(({ name }) => name)].filter((url) => !url.startsWith('data:'))",
    )) as string[]) {
      bytes += gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length;
    }
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(150_000);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('files');
    await opened(page, files);
    await page.getByRole('heading', { name: 'Tensors' }).waitFor(patience);
    await page.getByText('first', { exact: true }).click();
    await page.locator('svg[aria-label="first/kernel"]').waitFor(patience);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await axeFinds(page)).toEqual([]);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.close();
    expect(studio.problems).toEqual([]);
  });
});
