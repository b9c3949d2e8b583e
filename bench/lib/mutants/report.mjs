// What a hunt found, as JSON.
import { reasons } from './files.mjs';

const round = (x) => Math.round(x * 1000) / 10;

function figures(mutants, verdictOf) {
  const verdicts = mutants.map(verdictOf);
  const timeouts = verdicts.filter((v) => v?.how === 'timeout').length;
  const killed = verdicts.filter(Boolean).length;
  return { mutants: mutants.length, killed, timeouts, score: round(killed / mutants.length) };
}

/** Scores in percent; `killed` counts time-outs, too. */
export function report(name, mutants, { verdictOf, reached, finished }, { sample, seed, slow }) {
  const files = {};
  for (const file of new Set(mutants.map((m) => m.file)))
    files[file] = figures(
      mutants.filter((m) => m.file === file),
      verdictOf,
    );
  return {
    package: name,
    date: new Date().toISOString().slice(0, 10),
    ...(sample === 'Infinity' ? {} : { sample: Number(sample), seed: Number(seed) }),
    slowestTest: Number(slow),
    finished,
    ...figures(mutants, verdictOf),
    files,
    notAlgorithmic: reasons(name),
    survivors: mutants
      .filter((m) => !verdictOf(m))
      .map((m) => ({
        at: `${m.file}:${m.line}`,
        was: m.was,
        becomes: m.becomes,
        ...(reached.has(m.site) ? {} : { reached: false }),
      })),
  };
}

/** The same as a table of Markdown, by file, the lowest scores first. */
export function table({ files }) {
  const rows = Object.entries(files).sort(([, a], [, b]) => a.score - b.score);
  const lines = rows.map(([file, f]) => `| \`${file}\` | ${f.mutants} | ${f.killed} | ${f.score} |`);
  return ['| file | mutants | killed | score, % |', '| --- | --: | --: | --: |', ...lines].join('\n');
}
