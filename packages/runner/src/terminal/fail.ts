import { colorsOf, write } from './stream.js';

/** Codes of errors that are the caller's: wrong use, exit code 2. */
const wrongUse = new Set([
  'bad-recipe',
  'unknown-name',
  'unknown-option',
  'invalid-option',
  'invalid-schedule',
  'out-taken',
  'bad-plugin',
  'bad-model',
  'backend-unknown',
  'bad-key',
]);

/** Tells an error on stderr; returns the exit code (1 failed, 2 wrong use). */
export function fail(error: unknown): number {
  const known =
    error instanceof Error && typeof (error as { code?: unknown }).code === 'string' && 'remedy' in error;
  const { red } = colorsOf(process.stderr);
  const { message, stack } = (error instanceof Error ? error : { message: String(error) }) as Error;
  const ours = known || (error as Error | null)?.name === 'EspError';
  write(process.stderr, [red, 'error'], `: ${ours ? message : (stack ?? message)}\n`);
  return wrongUse.has(String((error as { code?: unknown } | null)?.code)) ? 2 : 1;
}
