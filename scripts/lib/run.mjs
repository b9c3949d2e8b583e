import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository, absolute. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Environment of everything the scripts start: the pinned tools first. */
const tools = {
  ...process.env,
  PATH: [
    join(root, '.tools/node_modules/.bin'),
    join(root, 'node_modules/.bin'),
    process.env.PATH ?? '',
  ].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
};

/**
 * Runs a Node program without standard input and resolves with its exit code and, when `quiet`, what it said.
 * A quiet program is told that it runs unattended, so that it asks no questions.
 *
 * @param {string[]} args - the program and its arguments
 * @param {{ quiet?: boolean, cwd?: string, env?: NodeJS.ProcessEnv }} [options] - default: the root, the pinned tools
 * @returns {Promise<{ code: number, output: string }>}
 */
export function node(args, { quiet = false, cwd = root, env = tools } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: quiet ? { ...env, CI: 'true' } : env,
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    // Ctrl-C reaches the child by itself; it is the child who says how to end.
    const stay = () => undefined;
    const pass = (signal) => child.kill(signal);
    process.on('SIGINT', stay).on('SIGTERM', pass);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', stay).off('SIGTERM', pass);
      if (signal !== null && signal !== 'SIGINT') process.stderr.write(`${args[0]} was ended by ${signal}\n`);
      resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 1), output });
    });
  });
}

/** Prints a line about the set-up. */
export function say(line) {
  process.stdout.write(`espalier: ${line}\n`);
}

/** Seconds since `began` (of `performance.now()`), for a line of text. */
export function since(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}
