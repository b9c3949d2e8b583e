// Vitest, started once and asked for one file of tests after the other, each in a process of its own. A process that hangs
// is ended, and what it was at counts as a time-out.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVitest } from 'vitest/node';
import { instrument } from './instrument.mjs';

const runner = join(import.meta.dirname, 'runner.mjs');

/** `sources` maps paths of instrumented files to their sites, `{}` where only loops are counted. */
export async function openSession({ root, dir, sources, sites, include }) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  process.env.ESPALIER_MUTANTS = dir;
  const events = join(dir, 'events.jsonl');
  const plugin = {
    name: 'mutants',
    enforce: 'pre',
    transform: (code, id) =>
      sources.has(id) ? { code: instrument(id, code, sources.get(id)), map: null } : undefined,
  };
  const options = {
    root,
    watch: false,
    runner,
    maxWorkers: 1,
    fileParallelism: false,
    reporters: [{}],
    bail: 1,
  };
  const vitest = await createVitest('test', { ...options, silent: true }, { plugins: [plugin] });
  const specs = await vitest.globTestSpecifications(include);

  const end = () => {
    try {
      process.kill(Number(readFileSync(join(dir, 'pid'), 'utf8')), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  // A process that is at a mutant hears of nothing.
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      end();
      process.exit(1);
    });

  const read = () =>
    readFileSync(events, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  /** Runs a file; the events it told, whether its tests passed, and what it hung in. `patience` is in ms. */
  async function run(spec, orders, patience) {
    writeFileSync(join(dir, 'orders.json'), JSON.stringify({ sites, ...orders }));
    writeFileSync(events, '');
    let [hung, last, since] = [undefined, 0, Date.now()];
    const watch = setInterval(() => {
      const all = read();
      if (all.length !== last) [last, since] = [all.length, Date.now()];
      const { began, ms = 0 } = all.at(-1) ?? {};
      if (Date.now() - since < Math.max(patience, 30 * ms)) return;
      hung = { id: began };
      end();
    }, 1000);
    try {
      vitest.state.filesMap.clear();
      const { testModules, unhandledErrors } = await vitest.runTestSpecifications([spec]);
      const passed = unhandledErrors.length === 0 && testModules.every((m) => m.ok());
      const [error] = [...unhandledErrors, ...testModules.flatMap((m) => m.errors())];
      return { events: read(), passed, hung, error: error?.message };
    } finally {
      clearInterval(watch);
      process.exitCode = 0;
    }
  }
  return { specs, run, close: () => vitest.close() };
}
