import { unknownName } from '@espalier/core';
import { defineCommand, renderUsage, runCommand } from 'citty';
import { fail } from './terminal/fail.js';
import { print, printPainted, tell } from './terminal/stream.js';
import { version } from './version.js';

/** One module per command, loaded when it is called: `default` is the command, `example` a line to try. */
const commands = {
  init: () => import('./commands/init.js'),
  run: () => import('./commands/run.js'),
  search: () => import('./commands/search.js'),
  compress: () => import('./commands/compress.js'),
  evaluate: () => import('./commands/evaluate.js'),
  inspect: () => import('./commands/inspect.js'),
  sensitivity: () => import('./commands/sensitivity.js'),
  studio: () => import('./commands/studio.js'),
  worker: () => import('./commands/worker.js'),
  fleet: () => import('./commands/fleet.js'),
  unpack: () => import('./commands/unpack.js'),
  diff: () => import('./commands/diff.js'),
  patch: () => import('./commands/patch.js'),
  'import-distiller': () => import('./commands/import-distiller.js'),
  completion: () => import('./commands/completion.js'),
  doctor: () => import('./commands/doctor.js'),
  setup: () => import('./commands/setup.js'),
};

const main = defineCommand({
  meta: { name: 'espalier', version, description: 'Train, prune, quantise and pack TensorFlow.js models.' },
  subCommands: Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [name, () => load().then((m) => m.default as never)]),
  ),
});

/** Runs a command line. Returns the exit code: 0 ok, 1 failed, 2 wrong use. */
export async function cli(rawArgs: string[]): Promise<number> {
  const [name] = rawArgs;
  try {
    if (name === '--version' || name === '-v') {
      print(`${version}\n`);
      return 0;
    }
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      printPainted(`${await renderUsage(main)}\n`);
      return name === undefined ? 2 : 0;
    }
    if (!Object.hasOwn(commands, name)) throw unknownName('command', name, Object.keys(commands));
    const { default: command, example } = await commands[name as keyof typeof commands]();
    if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
      printPainted(`${await renderUsage(command as never, main as never)}\nEXAMPLE\n\n  ${example}\n`);
      return 0;
    }
    await runCommand(command as never, { rawArgs: rawArgs.slice(1), data: commands });
    return 0;
  } catch (error) {
    if ((error as Error)?.name === 'CLIError') {
      tell(`error: ${(error as Error).message}\n  See: espalier ${name} --help\n`);
      return 2;
    }
    return fail(error);
  }
}
