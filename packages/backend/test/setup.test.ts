import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPackage } from '../src/packages.js';
import { addonName, bindingPath, linkAddon, linksTo } from '../src/setup/addon.js';
import { isVerified, markVerified } from '../src/setup/marker.js';
import { probe } from '../src/setup/probe.js';
import { installStock } from '../src/setup/stock.js';
import { cudaRequirements, unpack } from '../src/setup/wheel.js';
import { checkWheel } from '../src/setup/wheel-hash.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'espalier-backend-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("the addon's C++", () => {
  const folder = new URL('../addon/', import.meta.url);
  const sources = readdirSync(folder).filter((file) => file.endsWith('.cc'));
  const textOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

  it('is published with the package', () => {
    const { files } = JSON.parse(readFileSync(new URL('../package.json', folder), 'utf8')) as {
      files: string[];
    };
    expect(files).toContain('addon');
  });

  it('registers every op that a file defines', () => {
    const defined = sources.flatMap((file) =>
      Array.from(
        textOf(file).matchAll(/^extern "C" void (espalier_register_\w+)\(\) \{/gm),
        ([, name]) => name,
      ),
    );
    expect(defined.length).toBeGreaterThan(4);
    const called = Array.from(
      textOf('register.cc').matchAll(/^ {2}(espalier_register_\w+)\(\);/gm),
      ([, n]) => n,
    );
    expect(called.sort()).toEqual(defined.sort());
  });

  it('names the addon: with other sources it is another', () => {
    const tfjsNode = { name: '@tensorflow/tfjs-node', version: '4.22.0', root: '', main: '' };
    const hash = createHash('sha256');
    for (const file of readdirSync(folder)
      .filter((name) => /\.(cc|h)$/.test(name))
      .sort())
      hash.update(`${file}\0`).update(textOf(file));
    expect(addonName(tfjsNode)).toBe(`tfjs-node-4.22.0-${hash.digest('hex').slice(0, 8)}.node`);
  });
});

describe('a wheel', () => {
  // Made by Python's zipfile: a stored member, a deflated one of 1000 bytes, an empty one.
  const archive = readFileSync(new URL('fixtures/three.zip', import.meta.url));
  const write = (bytes: Uint8Array): string => {
    const path = join(directory, 'x.whl');
    writeFileSync(path, bytes);
    return path;
  };
  const all = (): boolean => true;

  it('is unpacked: stored, deflated and empty members, those that are wanted', async () => {
    const out = join(directory, 'out');
    await unpack(write(archive), out, (name) => name !== 'stored.txt');
    expect(readFileSync(join(out, 'folder/deflated.txt'), 'utf8')).toBe('ab'.repeat(500));
    expect(readFileSync(join(out, 'empty')).length).toBe(0);
    expect(existsSync(join(out, 'stored.txt'))).toBe(false);
    await unpack(write(archive), out, all);
    expect(readFileSync(join(out, 'stored.txt'), 'utf8')).toBe('hello');
  });

  it.each(['../../x.so', '/etc/x.so', 'a/../../../x', 'a//b', './x', 'c:/x', 'a\\..\\x', 'a\0b'])(
    'is refused, and nothing of it written, with a member named %j, which could be written anywhere',
    async (name) => {
      const bytes = Buffer.from(archive);
      // In the place of the longest name, padded by what is harmless.
      const at = bytes.lastIndexOf('folder/deflated.txt');
      bytes.write(name + 'x'.repeat('folder/deflated.txt'.length - name.length), at);
      const out = join(directory, 'out');
      await expect(unpack(write(bytes), out, all)).rejects.toMatchObject({
        code: 'download-failed',
        message: expect.stringContaining('has a member named'),
      });
      expect(existsSync(out)).toBe(false);
    },
  );

  it('that is damaged, none or cut off is refused by name', async () => {
    const damaged = Buffer.from(archive);
    damaged[damaged.indexOf('hello')] ^= 1;
    for (const bytes of [damaged, archive.subarray(100), Buffer.from('this is not a zip file')])
      await expect(unpack(write(bytes), join(directory, 'out'), all)).rejects.toMatchObject({
        code: 'download-failed',
        message: expect.stringMatching(/^x\.whl is damaged: .*Run the set-up again/),
      });
  });
});

describe('the wheel', () => {
  it('must have the hash that is known of it', async () => {
    const wheel = join(directory, 'x-1.0-py3-none-any.whl');
    writeFileSync(wheel, 'abc');
    const hash = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await checkWheel(wheel)).toBe(hash);
    expect(await checkWheel(wheel, { 'x-1.0-py3-none-any.whl': hash })).toBe(true);
    await expect(checkWheel(wheel, { 'x-1.0-py3-none-any.whl': hash.replace('b', 'c') })).rejects.toThrow(
      `has the SHA-256 ${hash}, not`,
    );
  });

  it('names the CUDA wheels it wants', () => {
    const metadata = [
      'Requires-Dist: numpy>=1.26.0',
      'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
      "Requires-Dist: nvidia-cudnn-cu12 (<10.0,>=9.3.0.75) ; extra == 'and-cuda'",
      'Requires-Dist: nvidia-other==1; extra == "else"',
    ].join('\n');
    expect(cudaRequirements(metadata)).toEqual([
      'nvidia-cublas-cu12<13.0,>=12.5.3.2',
      'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
    ]);
  });
});

/** A package that looks like tfjs-node, with an install script of our own. */
function fakePackage(install: string) {
  const root = join(directory, 'node_modules', '@tensorflow', 'tfjs-node');
  mkdirSync(join(root, 'scripts'), { recursive: true });
  mkdirSync(join(root, 'binding'));
  writeFileSync(join(root, 'binding.gyp'), '{}');
  const manifest = {
    name: '@tensorflow/tfjs-node',
    version: '4.22.0',
    main: 'i.js',
    binary: { napi_versions: [3, 8] },
  };
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(root, 'scripts', 'install.js'), install);
  return { name: manifest.name, version: manifest.version, root, main: join(root, 'i.js') };
}

describe('the stock binary', () => {
  const said: string[] = [];
  let cache: string | undefined;
  beforeEach(() => {
    said.length = 0;
    cache = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = directory;
    mkdirSync(join(directory, 'espalier'));
  });
  afterEach(() => {
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
  });

  it('is taken from what the install script leaves, without touching the package', async () => {
    const found = fakePackage(`
      const fs = require('fs');
      fs.writeFileSync(__dirname + '/../package.json', 'changed');
      fs.mkdirSync('lib/napi-v8', { recursive: true });
      fs.writeFileSync('lib/napi-v8/tfjs_binding.node', process.argv[2]);
    `);
    const addon = await installStock(found, (line) => said.push(line));
    expect(readFileSync(addon!, 'utf8')).toBe('cpu');
    expect(addon).toBe(
      join(
        directory,
        'espalier',
        `tfjs-node-stock-4.22.0-${process.platform}-${process.arch}`,
        'lib/napi-v8/tfjs_binding.node',
      ),
    );
    expect(readFileSync(join(found.root, 'package.json'), 'utf8')).toContain('4.22.0');
    expect(existsSync(bindingPath(found))).toBe(false);
  });

  it('is done without, quickly, when its server cannot be reached; nothing is left behind', async () => {
    const found = fakePackage(`require('http').get('http://127.0.0.1:9/none')`);
    const start = performance.now();
    expect(await installStock(found, (line) => said.push(line))).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(5000);
    expect(said.at(-1)).toMatch(/cannot be had \(connect ECONNREFUSED/);
    expect(
      existsSync(join(directory, 'espalier', `tfjs-node-stock-4.22.0-${process.platform}-${process.arch}`)),
    ).toBe(false);
  });
});

describe('the addon', () => {
  it('is linked, and marked as verified until it changes', async () => {
    const found = fakePackage('');
    const addon = join(directory, 'addon.node');
    writeFileSync(addon, 'one');
    expect(await isVerified(addon)).toBe(false);
    const needed = join(directory, 'needed.so');
    writeFileSync(needed, '');
    await markVerified(addon, { ok: true, error: '' }, [needed]);
    expect(await isVerified(addon)).toBe(true);
    rmSync(needed);
    expect(await isVerified(addon)).toBe(false);
    await markVerified(addon, { ok: true, error: '' });
    await linkAddon(found, addon);
    await linkAddon(found, addon);
    expect(bindingPath(found)).toBe(join(found.root, 'lib', 'napi-v8', 'tfjs_binding.node'));
    expect(await linksTo(bindingPath(found), addon)).toBe(true);
    writeFileSync(addon, 'another');
    expect(await isVerified(addon)).toBe(false);
  });
});

describe('the probe', () => {
  const core = findPackage('@tensorflow/tfjs-core')!.main;

  it('multiplies on a backend that works', async () => {
    const result = await probe(findPackage('@tensorflow/tfjs-backend-cpu')!.main, core, 'cpu');
    expect(result).toEqual({ ok: true, error: '', tfjs: '4.22.0' });
  });

  it('survives a package that throws, and one that kills its process', async () => {
    const broken = join(directory, 'broken.js');
    writeFileSync(broken, "throw new Error('no such addon')");
    expect(await probe(broken, core, 'tensorflow')).toEqual({ ok: false, error: 'no such addon' });
    writeFileSync(broken, "process.kill(process.pid, 'SIGSEGV')");
    expect((await probe(broken, core, 'tensorflow')).ok).toBe(false);
  });

  it('catches wrong products', async () => {
    const fake = join(directory, 'fake.js');
    writeFileSync(
      fake,
      `module.exports = { setBackend: async () => true, ready: async () => {}, tensor2d: () => 0,
        matMul: () => ({ data: async () => new Float32Array(4096) }) };`,
    );
    expect(await probe(fake, '', 'tensorflow')).toEqual({ ok: false, error: 'matMul gives wrong numbers' });
  });
});
