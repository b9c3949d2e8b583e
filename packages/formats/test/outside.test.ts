import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactsOfTensors } from '../src/arrays/plain-tensor.js';
import { filesOfModel, readArtifacts, safetensorsBytes, writeNpy } from '../src/index.js';
import { folder, kept } from './fixtures.js';

/** A model.json whose one weight lies in a file that it names. */
function modelNaming(path: unknown): string {
  const dir = join(folder(), 'model');
  mkdirSync(join(dir, 'sub dir'), { recursive: true });
  const weights = [{ name: 'w', shape: [1], dtype: 'float32' }];
  writeFileSync(
    join(dir, 'model.json'),
    JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths: [path], weights }] }),
  );
  writeFileSync(join(dir, '..', 'secret.bin'), Float32Array.of(42));
  for (const name of ['a.bin', 'a%20b.bin', 'c d.bin', 'sub dir/e.bin', '100%.bin', 'über.bin']) {
    writeFileSync(join(dir, name), Float32Array.of(7));
  }
  return dir;
}

describe('a file that a model names', () => {
  it.each([
    'a.bin',
    './a.bin',
    'a%20b.bin',
    'c%20d.bin',
    'c d.bin',
    'sub%20dir/e.bin',
    'sub dir\\e.bin',
    'sub dir/../a.bin',
    'a.bin?v=3',
    'a.bin#x',
    '100%.bin',
    '%C3%BCber.bin',
    'über.bin',
  ])('is read as a page would fetch it: %s', async (path) => {
    const { artifacts } = await readArtifacts(modelNaming(path));
    expect([...new Float32Array(artifacts.weightData as ArrayBuffer)]).toEqual([7]);
  });

  it.each([
    ['../secret.bin', 'outside of its folder'],
    ['sub dir/../../secret.bin', 'outside of its folder'],
    ['..%2Fsecret.bin', 'outside of its folder'],
    ['%2e%2e/secret.bin', 'outside of its folder'],
    ['..\\secret.bin', 'outside of its folder'],
    ['/etc/hostname', 'outside of its folder'],
    ['file:///etc/hostname', 'not on this machine'],
    ['https://example.com/w.bin', 'not on this machine'],
    ['/dev/zero', 'outside of its folder'],
    ['a.bin\0', 'where the path of a file should be'],
    ['', 'where the path of a file should be'],
    ['none.bin', 'there is no file'],
    ['sub dir', 'is a folder'],
    [{ a: 1 }, 'where the path of a file should be'],
    [null, 'where the path of a file should be'],
  ])('is never outside of the folder: %j', async (path, message) => {
    const error = await readArtifacts(modelNaming(path)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'bad-model', message: expect.stringContaining(message) });
  });

  it('comes along with the model, by the same rule', async () => {
    const dir = modelNaming('c%20d.bin');
    const model = join(dir, 'model.json');
    expect(await filesOfModel(model)).toEqual([model, join(dir, 'c d.bin')]);
    expect(await filesOfModel(join(dir, 'a.bin'))).toEqual([join(dir, 'a.bin')]);
    for (const path of ['../secret.bin', '/etc/hostname', '%2e%2e/secret.bin', 7]) {
      await expect(filesOfModel(join(modelNaming(path), 'model.json'))).rejects.toMatchObject({
        code: 'bad-model',
      });
    }
    const index = join(dir, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: { a: 'a.bin', b: 'a.bin' } }));
    expect(await filesOfModel(index)).toEqual([index, join(dir, 'a.bin')]);
    writeFileSync(index, JSON.stringify({ weight_map: { a: '../secret.bin' } }));
    await expect(filesOfModel(index)).rejects.toThrow('outside of its folder');
    for (const text of [
      'null',
      '[null]',
      '{"weightsManifest":{}}',
      '{"weightsManifest":[{"paths":null}]}',
      '{',
    ]) {
      writeFileSync(index, text);
      expect(await filesOfModel(index)).toEqual([index]);
    }
  });

  it('is not reached by a link that leads out of the folder; within, it is', async () => {
    const dir = modelNaming('link.bin');
    symlinkSync(join(dir, '..', 'secret.bin'), join(dir, 'link.bin'));
    await expect(readArtifacts(dir)).rejects.toThrow('outside of its folder');
    const through = modelNaming('door/secret.bin');
    symlinkSync(join(through, '..'), join(through, 'door'));
    await expect(readArtifacts(through)).rejects.toThrow('outside of its folder');
    const inside = modelNaming('link.bin');
    symlinkSync('a.bin', join(inside, 'link.bin'));
    expect((await readArtifacts(inside)).artifacts.weightSpecs).toHaveLength(1);
    const broken = modelNaming('link.bin');
    symlinkSync('gone.bin', join(broken, 'link.bin'));
    await expect(readArtifacts(broken)).rejects.toThrow('a link that leads nowhere');
    // The user's own path may be a link.
    symlinkSync(inside, join(inside, '..', 'latest'));
    expect((await readArtifacts(join(inside, '..', 'latest'))).artifacts.weightSpecs).toHaveLength(1);
  });

  it.skipIf(process.platform === 'win32')('is no pipe, which would be waited for', async () => {
    const dir = modelNaming('pipe.bin');
    execFileSync('mkfifo', [join(dir, 'pipe.bin')]);
    await expect(readArtifacts(dir)).rejects.toThrow('pipe.bin is no regular file');
    await expect(readArtifacts(join(dir, 'pipe.bin'))).rejects.toThrow('is no regular file');
    await expect(readArtifacts('/dev/zero')).rejects.toThrow('is no regular file');
    const arrays = folder();
    execFileSync('mkfifo', [join(arrays, 'a.npy')]);
    await expect(readArtifacts(arrays)).rejects.toThrow('a.npy is no regular file');
  });

  it('is an array, or a shard of an index, by the same rule', async () => {
    const dir = join(folder(), 'model');
    mkdirSync(dir);
    writeFileSync(join(dir, '..', 'secret.npy'), writeNpy([1], Float32Array.of(42)));
    writeFileSync(join(dir, '..', 's.safetensors'), safetensorsBytes(artifactsOfTensors(kept)));
    symlinkSync('../secret.npy', join(dir, 'a.npy'));
    await expect(readArtifacts(dir)).rejects.toThrow('outside of its folder');
    const index = join(dir, 'model.safetensors.index.json');
    for (const path of ['../s.safetensors', '/s.safetensors', 'https://x.org/s.safetensors']) {
      writeFileSync(index, JSON.stringify({ weight_map: { count: path } }));
      await expect(readArtifacts(index)).rejects.toThrow(/outside of its folder|not on this machine/);
    }
  });
});
