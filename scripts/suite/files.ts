import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Rooms whose tests start commands, servers and pages, or load TensorFlow's own backends. */
const ownRooms = /^(packages\/(backend|fleet|studio)|examples\/[^/]+|scripts)\//;

/** What changes what all of a process share: backends (commands start one), environment and modules. */
const changes =
  /tfjs-backend-w|tfjs-node|startBackend\((?!\{ prefer: 'cpu')|backend\/(src|test)\/|setBackend|registerBackend|command-line|src\/commands|\/same\.js'|vi\.mock|process\.env|chdir/;

/** What gains nothing by sharing: memory is measured, commands and pages are waited for. */
const apart = /memoryUsage|\bespalier\((\[|args)|playwright/;

/** What hangs on how many layers a process has made: TensorFlow.js counts them in their names, and names are in files and tables. */
const counted = /byteLength|[bB]ytes\b|_[A-Z][a-z0-9]+\d|(sequential|dense|conv2d|model|input)_\d/;

const rooms = (folder: string): string[] =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}/test`);

const files = [...rooms('packages'), ...rooms('examples'), 'scripts/test']
  .filter((dir) => existsSync(join(root, dir)))
  .flatMap((dir) => readdirSync(join(root, dir), { recursive: true }).map((path) => `${dir}/${path}`))
  .filter((path) => path.endsWith('.test.ts') && !path.includes('/node_modules/'));

function isAlone(path: string): boolean {
  if (ownRooms.test(path)) return true;
  const text = readFileSync(join(root, path), 'utf8');
  return [changes, apart, counted].some((words) => words.test(text));
}

/** Files of tests that have a process each. */
export const alone: string[] = files.filter(isAlone);

/** Files of tests that follow each other in one process, and so load TensorFlow.js and our sources once. */
export const together: string[] = files.filter((path) => !alone.includes(path));
