import { defineCommand } from 'citty';
import { fleetPackage } from '../fleet/in-fleet.js';
import { workInProcesses } from '../fleet/work.js';
import { checkArguments, warn } from './common.js';
import { number, whole } from './compress-options.js';
import { fleetUrl, namesOf, threadsOf } from './crew-options.js';

const args = {
  fleet: {
    type: 'string',
    description: 'postgres://user@host/database (default: ESPALIER_FLEET)',
    valueHint: 'url',
  },
  name: { type: 'string', description: "Shown to people (default: the machine's)", valueHint: 'name' },
  parallel: { type: 'string', default: '1', description: 'Trials at once', valueHint: 'n' },
  threads: { type: 'string', description: 'Threads of each (default: all cores)', valueHint: 'n' },
  backend: {
    type: 'string',
    default: 'auto',
    description: 'auto, gpu, webgpu, native, wasm or cpu',
    valueHint: 'name',
  },
  tags: { type: 'string', description: 'What it has that trials may ask for: gpu', valueHint: 'names' },
  lease: {
    type: 'string',
    default: '30',
    description: 'Without a word for so long, its trials go to others',
    valueHint: 'seconds',
  },
  expiry: {
    type: 'string',
    description: 'A trial that took so long is stopped, and tried again from its checkpoint (default: never)',
    valueHint: 'seconds',
  },
  idle: {
    type: 'string',
    description: 'Ends when nothing ran and nothing was queued for so long (default: never)',
    valueHint: 'seconds',
  },
} as const;

/** Shown by --help. */
export const example = 'ESPALIER_FLEET=postgres://espalier@db.local/espalier espalier worker --threads 1';

export default defineCommand({
  meta: { name: 'worker', description: 'Run trials for a fleet, until it is told to end.' },
  args,
  async run({ args: given }) {
    checkArguments(given, args, 0);
    const url = fleetUrl(given.fleet);
    const [drain, stop] = [new AbortController(), new AbortController()];
    const end = (): void => {
      if (stop.signal.aborted) process.exit(1);
      warn(
        drain.signal.aborted
          ? 'Giving back what is on its way.'
          : 'Ending after this trial; once more to give it back.',
      );
      (drain.signal.aborted ? stop : drain).abort();
    };
    const { Fleet, workFor } = await fleetPackage();
    const slots = whole('parallel', given.parallel, 1, 256);
    const threads = threadsOf(given);
    const idle =
      given.idle === undefined ? undefined : number('idle', given.idle, 0, Number.POSITIVE_INFINITY);
    const expiry = given.expiry === undefined ? undefined : number('expiry', given.expiry, 1, 2_000_000);
    const lease = number('lease', given.lease, 1, 86_400);
    const fleet = await Fleet.open({ url, connections: slots + 2, log: warn });
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
    try {
      await workInProcesses(fleet, workFor, {
        backend: given.backend,
        slots,
        tags: namesOf(given.tags),
        ...(given.name !== undefined && { name: given.name }),
        ...(threads !== undefined && { threads }),
        ...(idle !== undefined && { idle }),
        ...(expiry !== undefined && { expiry }),
        lease,
        log: warn,
        drain: drain.signal,
        stop: stop.signal,
      });
    } finally {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      await fleet.close();
    }
  },
});
