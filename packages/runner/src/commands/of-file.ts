import { EspError } from '@espalier/codec';

/** What is done with a file; what is wrong with it is told with its name and what helps: its own remedy, or by code. */
export function ofFile<T>(
  file: string | ((error: EspError) => string),
  remedy: string | ((error: EspError) => string),
  work: () => T,
): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EspError)) throw error;
    const [name, helps] = [file, remedy].map((of) => (typeof of === 'string' ? of : of(error)));
    throw new EspError(error.code, `${name}: ${error.message}.\n  ${helps}`);
  }
}
