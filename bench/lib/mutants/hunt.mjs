// The order of a hunt: which tests reach which mutants; quick tests against all they reach; slow tests against those
// left; and what a process does once (tables, set-up), each mutant in a process of its own.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { openSession } from './session.mjs';

/** Tests by their time, in ms: those of one round are run before the next begins. */
const rounds = [100, 1000, Infinity];
/** What one mutant may cost in processes of its own, in ms of tests. */
const aloneBudget = 30_000;

const fileOf = (name) => name.slice(0, name.indexOf(':'));

function load({ state, key, fileKeys, mutants, fresh }) {
  const none = { key, coverage: {}, verdicts: {}, passed: {}, doubts: {}, metAlone: {} };
  if (fresh || !existsSync(state)) return none;
  const old = JSON.parse(readFileSync(state, 'utf8'));
  // Killed stays killed while the file is what it was; survivors meet tests that have changed.
  const kept = Object.fromEntries(
    Object.entries(old.verdicts).filter(([name]) => old.fileKeys[fileOf(name)] === fileKeys[fileOf(name)]),
  );
  const same = old.key === key && old.sites === sitesOf(mutants);
  return same ? { ...none, ...old, verdicts: kept } : { ...none, verdicts: kept };
}

const add = (lists, key, item) => {
  lists[key] = [...(lists[key] ?? []), item];
};
const nameOf = (m) => `${m.file}:${m.start}:${m.end}:${m.statement}:${m.way}`;
const sitesOf = (mutants) => mutants.map(nameOf).join();

/** What became of each mutant: `verdicts` of those killed, `reached` sites, and `finished`. */
export async function hunt(plan) {
  const { root, mutants, until, slow, log } = plan;
  const memory = load(plan);
  const session = await openSession(plan);
  const { verdicts } = memory;
  const save = () =>
    writeFileSync(
      plan.state,
      JSON.stringify({ ...memory, fileKeys: plan.fileKeys, sites: sitesOf(mutants) }),
    );
  const late = () => Date.now() > until;
  const alive = (m) => !verdicts[nameOf(m)];
  const slim = ({ id, site, way }) => ({ id, site, way });
  const left = () => mutants.filter(alive).length;

  async function cover(spec, file) {
    const { events, passed, error } = await session.run(spec, {}, 600_000);
    if (!passed && !events.some((e) => e.sites)) throw new Error(`${file} fails without a mutant.\n${error}`);
    if (!passed) log(`${file}: fails without a mutant; left out where it does`);
    memory.coverage[file] = {
      tests: events.filter((e) => e.sites).map(({ test, name, ms, sites }) => ({ test, name, ms, sites })),
      ...(events.find((e) => e.outside) ?? { outside: [], turns: 1e6 }),
    };
  }

  /** One file of tests against the mutants it reaches, again until none is left to try. */
  async function face(spec, file, [from, to]) {
    const { tests } = memory.coverage[file];
    for (;;) {
      const orders = {};
      for (const { test, ms, sites } of tests) {
        if (ms < from || ms >= to || ms > slow) continue;
        const here = new Set(sites);
        const done = new Set(memory.passed[`${file}#${test}`]);
        const some = mutants.filter((m) => here.has(m.site) && alive(m) && !done.has(nameOf(m)));
        if (some.length) orders[test] = some.map(slim);
      }
      if (!Object.keys(orders).length || late()) return;
      const { events, hung } = await session.run(spec, { tests: orders, until }, 30_000);
      for (const e of events) {
        if (e.killed !== undefined)
          verdicts[nameOf(mutants[e.killed])] ??= { by: `${file}: ${e.by}`, how: e.how };
        const tried = e.passed ?? e.doubt;
        if (tried === undefined) continue;
        add(memory.passed, `${file}#${e.test}`, nameOf(mutants[tried]));
        if (e.doubt !== undefined) add(memory.doubts, nameOf(mutants[tried]), file);
      }
      if (hung?.id !== undefined) verdicts[nameOf(mutants[hung.id])] = { by: file, how: 'timeout' };
      save();
      log(`${file}, tests of ${from} ms and more: ${left()} of ${mutants.length} left`);
      if (events.some((e) => e.done) && !late()) return;
    }
  }

  /**
   * The files of tests that a mutant has yet to meet in a process of its own: what they do once, or disagree about, is its. Those
   * whose tests reach its file come first; what is beyond its budget is left.
   */
  function toMeet(m, byFile) {
    const once = byFile.filter(
      ({ file }) =>
        memory.coverage[file].outside.includes(m.site) || memory.doubts[nameOf(m)]?.includes(file),
    );
    const near = once.filter(({ file }) => nearBy(file, m));
    const met = new Set(memory.metAlone[nameOf(m)]);
    let left = aloneBudget;
    return [...near, ...once.filter((one) => !near.includes(one))].filter(({ file, ms }) => {
      if (left <= 0) return false;
      left -= ms + 1000;
      return !met.has(file);
    });
  }

  /** A mutant in those processes, until one notices it. */
  async function alone(m, byFile) {
    for (const { spec, file, ms } of toMeet(m, byFile)) {
      const patience = Math.max(60_000, 10 * ms);
      const { turns } = memory.coverage[file];
      const { passed, hung } = await session.run(spec, { alone: slim(m), turns }, patience);
      add(memory.metAlone, nameOf(m), file);
      if (passed && !hung) continue;
      verdicts[nameOf(m)] = { by: file, how: hung ? 'timeout' : 'test' };
      break;
    }
    save();
  }

  /** Whether a test of a file reaches the mutant's file while it runs. */
  const siteFile = new Map(mutants.map((m) => [m.site, m.file]));
  const nearBy = (file, m) =>
    memory.coverage[file].tests.some(({ sites }) => sites.some((s) => siteFile.get(s) === m.file));

  try {
    const named = session.specs.map((spec) => ({ spec, file: relative(root, spec.moduleId) }));
    for (const { spec, file } of named)
      if (!memory.coverage[file] && !late()) {
        await cover(spec, file);
        save();
      }
    const byFile = named
      .filter(({ file }) => memory.coverage[file])
      .map((one) => ({ ...one, ms: memory.coverage[one.file].tests.reduce((sum, t) => sum + t.ms, 0) }))
      .sort((a, b) => a.ms - b.ms);
    log(`${mutants.length} mutants, ${left()} to kill, ${byFile.length} files of tests`);
    let from = 0;
    for (const to of rounds) {
      for (const { spec, file } of byFile) await face(spec, file, [from, to]);
      from = to;
    }
    for (const m of mutants) {
      if (!alive(m) || late() || !toMeet(m, byFile).length) continue;
      await alone(m, byFile);
      log(`${m.file}:${m.line} alone: ${alive(m) ? 'survived' : 'killed'}`);
    }
    const reached = new Set(
      byFile.flatMap(({ file }) => [
        ...memory.coverage[file].outside,
        ...memory.coverage[file].tests.flatMap(({ sites }) => sites),
      ]),
    );
    return { verdictOf: (m) => verdicts[nameOf(m)], reached, finished: !late() };
  } finally {
    await session.close();
  }
}
