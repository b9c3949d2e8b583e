#!/usr/bin/env node
import { createRequire } from 'node:module';
import { unknownName } from '@espalier/core';
import { defineCommand, renderUsage, runCommand } from 'citty';
import { fail } from './terminal/fail.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const subCommands = {
  run: () => import('./commands/run.js').then((m) => m.default),
  evaluate: () => import('./commands/evaluate.js').then((m) => m.default),
  inspect: () => import('./commands/inspect.js').then((m) => m.default),
  unpack: () => import('./commands/unpack.js').then((m) => m.default),
  doctor: () => import('./commands/doctor.js').then((m) => m.default),
  setup: () => import('./commands/setup.js').then((m) => m.default),
};

const main = defineCommand({
  meta: { name: 'espalier', version, description: 'Train, prune, quantise and pack TensorFlow.js models.' },
  subCommands,
});

/** Returns the exit code: 0 ok, 1 failed, 2 wrong use. */
async function cli(rawArgs: string[]): Promise<number> {
  const [name] = rawArgs;
  try {
    if (name === '--version' || name === '-v') {
      process.stdout.write(`${version}\n`);
      return 0;
    }
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      process.stdout.write(`${await renderUsage(main)}\n`);
      return name === undefined ? 2 : 0;
    }
    if (!(name in subCommands)) throw unknownName('command', name, Object.keys(subCommands));
    const command = await subCommands[name as keyof typeof subCommands]();
    if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
      process.stdout.write(`${await renderUsage(command as never, main as never)}\n`);
      return 0;
    }
    await runCommand(command as never, { rawArgs: rawArgs.slice(1) });
    return 0;
  } catch (error) {
    if ((error as Error)?.name === 'CLIError') {
      process.stderr.write(`error: ${(error as Error).message}\n  See: espalier ${name} --help\n`);
      return 2;
    }
    return fail(error);
  }
}

process.exitCode = await cli(process.argv.slice(2));
