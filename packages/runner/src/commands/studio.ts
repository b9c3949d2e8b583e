import { defineCommand } from 'citty';
import { watchedFleet } from '../fleet/watched.js';
import { optionalPackage } from '../resolve-optional.js';
import { print, tell } from '../terminal/stream.js';
import { checkArguments, warn } from './common.js';
import { whole } from './compress-options.js';
import { fleetUrl } from './crew-options.js';

const args = {
  runs: {
    type: 'positional',
    required: false,
    description:
      'A folder of runs to watch, or one run. Default: none, the page takes models to make smaller',
  },
  fleet: {
    type: 'string',
    description: 'A fleet to watch: postgres://user@host/database (default: ESPALIER_FLEET)',
    valueHint: 'url',
  },
  port: {
    type: 'string',
    default: '0',
    description: 'Of this machine alone. 0: any that is free',
    valueHint: 'number',
  },
} as const;

/** Shown by --help. */
export const example = 'espalier studio runs';

export default defineCommand({
  meta: {
    name: 'studio',
    description: 'A page on this machine: drop a model and make it smaller; watch runs and fleets at work.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const port = whole('port', given.port, 0, 65_535);
    const { serveStudio } = await optionalPackage('@espalier/studio', () => import('@espalier/studio'));
    const fleet = given.fleet === undefined ? undefined : await watchedFleet(fleetUrl(given.fleet), warn);
    const { url, close } = await serveStudio({
      port,
      ...(given.runs !== undefined && { runs: given.runs }),
      ...(fleet && { fleet }),
    });
    print(`${url}\n`);
    tell('Open it in a browser; Ctrl-C ends it. Nothing leaves this machine.\n');
    await new Promise<void>((done) => {
      process.once('SIGINT', () => done());
      process.once('SIGTERM', () => done());
    });
    await close();
    await fleet?.close();
  },
});
