import { cli } from './command-line.js';
import { bring } from './resolve-package.js';
import { surviveStreams } from './terminal/stream.js';

/** What a package brings that offers the command. */
export interface CommandOptions {
  /** Its `import.meta.url`: a recipe may name what it depends on, where the recipe's own folder has no such package. */
  readonly packages?: string;
}

/**
 * The `espalier` command: runs a command line, writes to this process's streams and sets its exit code (0 done, 1
 * failed, 2 wrong use).
 *
 * @param rawArgs words after the program's name
 *
 * @example
 * ```ts
 * import { command } from '@espalier/runner/command';
 * await command(['inspect']); // Which model?
 * if (process.exitCode !== 2) throw new Error(`${process.exitCode}`);
 * process.exitCode = 0;
 * ```
 */
export async function command(rawArgs: string[], options: CommandOptions = {}): Promise<void> {
  surviveStreams();
  if (options.packages !== undefined) bring(options.packages);
  const code = await cli(rawArgs);
  // It is 1 already where what was written is lost.
  process.exitCode = code || process.exitCode || 0;
}
