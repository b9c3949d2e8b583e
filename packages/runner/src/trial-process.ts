import { startNamed } from './commands/common.js';
import { silent } from './pipeline/listener.js';
import { bring } from './resolve-package.js';
import { faultOf, type Order, type Word } from './trials/messages.js';
import { perform } from './trials/perform.js';

/** A process that runs trials, one after another, for the process that started it; it ends with that. */
const [backendName, packages] = process.argv.slice(2);
const say = (word: Word): void => {
  if (process.connected) process.send?.(word);
};

process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches all processes of a terminal: who started this one says what becomes of it.
process.on('SIGINT', () => {});
if (packages) bring(packages);

let stage = '';
const listener = {
  ...silent,
  info: (line: string) => say({ info: line }),
  warn: (line: string) => say({ info: `warning: ${line}` }),
  stage(name: string) {
    stage = name;
  },
  epoch: (metrics: Parameters<typeof silent.epoch>[0]) => say({ epoch: { stage, ...metrics } }),
};

try {
  const backend = await startNamed(backendName, () => {});
  process.on('message', async ({ task, out, folder }: Order) => {
    try {
      if (folder !== undefined) process.chdir(folder);
      say({ outcome: await perform(task, { out, backend, listener }) });
    } catch (error) {
      say({ fault: faultOf(error) });
    }
  });
  say({ ready: true, backend: backend.name });
} catch (error) {
  say({ fault: faultOf(error) });
}
