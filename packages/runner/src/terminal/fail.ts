import pc from 'picocolors';

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
]);

const colors = pc.createColors(process.stderr.isTTY === true && process.env.NO_COLOR === undefined);

/** Tells an error on stderr; returns the exit code (1 failed, 2 wrong use). */
export function fail(error: unknown): number {
  const known =
    error instanceof Error && typeof (error as { code?: unknown }).code === 'string' && 'remedy' in error;
  if (known || (error instanceof Error && error.name === 'EspError')) {
    process.stderr.write(`${colors.red('error')}: ${(error as Error).message}\n`);
  } else {
    process.stderr.write(
      `${colors.red('error')}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
  return wrongUse.has(String((error as { code?: unknown } | null)?.code)) ? 2 : 1;
}
