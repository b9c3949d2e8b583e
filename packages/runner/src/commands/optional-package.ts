import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EspalierError } from '@espalier/core';

const isMissing = (error: unknown, name: string): boolean => {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && message.includes(`'${name}'`);
};

/**
 * A package that only those install who need it: as this package sees it, or else as the working folder does (the
 * command may be installed elsewhere).
 *
 * @param load imports it by its name
 * @throws EspalierError `missing-package` when it is not installed
 */
export async function optionalPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
  }
  try {
    const file = createRequire(pathToFileURL(resolve('here.js'))).resolve(name);
    return (await import(pathToFileURL(file).href)) as T;
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new EspalierError('missing-package', `This needs ${name}, which is not installed.`, {
      cause,
      remedy: `Install it: npm install ${name}`,
    });
  }
}
