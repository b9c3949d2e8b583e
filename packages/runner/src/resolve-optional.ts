import { pathToFileURL } from 'node:url';
import { EspalierError } from '@espalier/core';
import { places } from './resolve-package.js';

const isMissing = (error: unknown, name: string): boolean => {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && message.includes(`'${name}'`);
};

/**
 * A package that only those install who need it: as this package sees it, or else from other {@link places}.
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
  const failures: unknown[] = [];
  for (const require of places()) {
    try {
      return (await import(pathToFileURL(require.resolve(name)).href)) as T;
    } catch (cause) {
      if (!isMissing(cause, name)) throw cause;
      failures.push(cause);
    }
  }
  throw new EspalierError('missing-package', `This needs ${name}, which is not installed.`, {
    cause: failures[0],
    remedy: `Install it: npm install ${name}`,
  });
}
