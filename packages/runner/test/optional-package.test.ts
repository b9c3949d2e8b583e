import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { optionalPackage } from '../src/resolve-optional.js';
import { bring } from '../src/resolve-package.js';
import { folder } from './fixtures.js';

const missing = (name: string) => (): Promise<never> =>
  Promise.reject(
    Object.assign(new Error(`Cannot find package '${name}' imported from here`), {
      code: 'ERR_MODULE_NOT_FOUND',
    }),
  );

/** A folder in which a package is installed. */
function withPackage(name: string, source: string): string {
  const home = folder();
  const own = join(home, 'node_modules', name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'index.js'), source);
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({ name, type: 'module', exports: { '.': { default: './index.js' } } }),
  );
  return home;
}

afterEach(() => vi.restoreAllMocks());

describe('a package that only those install who need it', () => {
  it('is taken as this package sees it', async () => {
    const { importSchedule } = await optionalPackage(
      '@espalier/distiller',
      () => import('@espalier/distiller'),
    );
    expect(importSchedule).toBeTypeOf('function');
  });

  it('is taken from the working folder, where the command is installed elsewhere', async () => {
    vi.spyOn(process, 'cwd').mockReturnValue(withPackage('some-words', 'export const word = "here";'));
    expect(await optionalPackage('some-words', missing('some-words'))).toMatchObject({ word: 'here' });
  });

  it('is taken from who brings the command, where the working folder has none', async () => {
    vi.spyOn(process, 'cwd').mockReturnValue(folder());
    const home = withPackage('words-brought', 'export const word = "brought";');
    bring(pathToFileURL(join(home, 'bin.js')).href);
    expect(await optionalPackage('words-brought', missing('words-brought'))).toMatchObject({
      word: 'brought',
    });
  });

  it('is asked for by name where there is none', async () => {
    vi.spyOn(process, 'cwd').mockReturnValue(folder());
    await expect(optionalPackage('some-words', missing('some-words'))).rejects.toMatchObject({
      code: 'missing-package',
      message: expect.stringMatching(/some-words, which is not installed.*npm install some-words/s),
    });
  });

  it('is not called missing when it is something else that is, or when it fails', async () => {
    await expect(optionalPackage('some-words', missing('its-own-need'))).rejects.toThrow(/'its-own-need'/);
    vi.spyOn(process, 'cwd').mockReturnValue(withPackage('some-words', 'throw new TypeError("damaged");'));
    await expect(optionalPackage('some-words', missing('some-words'))).rejects.toThrow(/damaged/);
  });
});
