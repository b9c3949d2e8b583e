// Vitest's runner, which runs each test without a mutant and then once for each mutant it is given, all in one
// process: TF.js is loaded once for hundreds of mutants. What it finds it appends to a file, which outlives it.
import { setMaxListeners } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configureGlobal } from 'fast-check';
import { TestRunner } from 'vitest';

const dir = process.env.ESPALIER_MUTANTS;
const orders = JSON.parse(readFileSync(join(dir, 'orders.json'), 'utf8'));
const tell = (event) => appendFileSync(join(dir, 'events.jsonl'), `${JSON.stringify(event)}\n`);
// A property that fails has said enough; the same examples each time.
configureGlobal({ endOnFailure: true, seed: 1 });

class OutOfTurns extends Error {}

/** What instrumented sources ask; see instrument.mjs. */
const $m = {
  h: new Uint8Array(orders.sites),
  s: -1,
  w: 0,
  turns: 0,
  limit: Infinity,
  spent: false,
  turn() {
    if (++this.turns <= this.limit) return;
    this.spent = true;
    throw new OutOfTurns('more turns of loops than twenty times those without the mutant');
  },
  set(mutant, limit) {
    this.s = mutant?.site ?? -1;
    this.w = mutant?.way ?? 0;
    this.turns = 0;
    this.limit = limit;
    this.spent = false;
  },
};
globalThis.$m = $m;
if (orders.alone) $m.set(orders.alone, 20 * orders.turns + 1e6);
writeFileSync(join(dir, 'pid'), String(process.pid));

/** The suites around a test, the file first. */
function around(test) {
  const suites = [];
  for (let { suite } = test; suite; suite = suite.suite) suites.unshift(suite);
  return [test.file, ...suites.filter((suite) => suite !== test.file)];
}

const reached = () => [...$m.h.keys()].filter((site) => $m.h[site]);

export default class MutantRunner extends TestRunner {
  #index = 0;
  #outside = new Set();
  #turns = 0;

  /** A test by its number in the file; those that have nothing to do are left out. */
  async runTask(test) {
    const run = () => TestRunner.getTestFn(test)();
    if (orders.alone) {
      await run();
      if ($m.spent) throw new OutOfTurns('');
      return;
    }
    for (const site of reached()) this.#outside.add(site);
    const index = this.#index++;
    const mutants = orders.tests?.[index];
    if (orders.tests && !mutants?.length) return;
    $m.h.fill(0);
    $m.set(undefined, Infinity);
    // Each run of a test listens for its end.
    setMaxListeners(0, test.context.signal);
    // Of the processor: what else the machine does makes no test slow.
    const began = process.cpuUsage();
    if (orders.tests && (await this.#fails(test, run))) return;
    if (!orders.tests) await run();
    const { user, system } = process.cpuUsage(began);
    const ms = (user + system) / 1000;
    const turns = $m.turns;
    this.#turns += turns;
    if (!orders.tests) tell({ test: index, name: test.name, ms, sites: reached() });
    else await this.#against(test, index, run, mutants, 20 * turns + 1e5, ms);
    $m.h.fill(0);
  }

  async #against(test, index, run, mutants, limit, ms) {
    /** Killed, but nothing has passed since: what failed may be the state that another mutant left. */
    let pending = [];
    const settle = (clean) => {
      for (const event of pending) tell(clean ? event : { doubt: event.killed, test: index });
      pending = [];
    };
    for (const mutant of mutants) {
      if (Date.now() > orders.until) break;
      tell({ began: mutant.id, ms });
      $m.set(mutant, limit);
      $m.h[mutant.site] = 0;
      const failed = await this.#fails(test, run);
      if (failed || $m.spent) {
        pending.push({ killed: mutant.id, by: test.name, how: $m.spent ? 'timeout' : 'test' });
        // Its place is initialised once, or its way depends on what ran before.
      } else {
        settle(true);
        tell({ [$m.h[mutant.site] ? 'passed' : 'doubt']: mutant.id, test: index });
      }
      if (pending.length >= 8) await this.#check(test, run, settle);
    }
    if (pending.length) await this.#check(test, run, settle);
  }

  async #check(test, run, settle) {
    $m.set(undefined, Infinity);
    const clean = !(await this.#fails(test, run));
    settle(clean);
    if (clean) return;
    tell({ spoilt: test.name });
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => {});
  }

  async #fails(test, run) {
    try {
      await this.onBeforeTryTask(test);
      for (const suite of around(test))
        for (const hook of TestRunner.getSuiteHooks(suite)?.beforeEach ?? []) await hook(test.context, suite);
      await run();
      this.onAfterTryTask(test);
      return false;
    } catch {
      return true;
    }
  }

  onAfterRunFiles(...all) {
    if (!orders.tests && !orders.alone) {
      for (const site of reached()) this.#outside.add(site);
      tell({ outside: [...this.#outside], turns: this.#turns });
    }
    tell({ done: true });
    return super.onAfterRunFiles?.(...all);
  }
}
