/**
 * Damages files of other programs on purpose and looks at what the readers do: they must answer with a model or a typed error,
 * soon. Prints JSON; exit code 1 when anything else happened. What made it happen is kept in the folder that it names.
 *
 *   npm run build && node bench/fuzz-formats.mjs [--count 100000] [--only npy,h5] [--seed 1] [--seconds 5]
 *
 * Each input depends on the seed and its number alone, so many can be tried a part at a time: `--minutes` ends a format early, and
 * `--from` goes on where `next` says.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readArtifacts, readPicture } from '@espalier/formats';
import { loadRecipe } from '@espalier/runner';
import { damager } from './lib/damage.mjs';
import { samples } from './lib/foreign-files.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '5' },
    from: { type: 'string', default: '0' },
    minutes: { type: 'string', default: 'Infinity' },
  },
});
const limits = { seconds: Number(values.seconds) };
const first = Number(values.from);
/** Neighbours are far apart. */
const seedOf = (i) => Math.imul(Number(values.seed) * 1_000_003 + i, 0x9e3779b1) >>> 0;
const read = (file) => readArtifacts(file, { limits });
const readers = { png: readPicture, jpeg: readPicture, yaml: (file) => loadRecipe(file) };

// Nobody reads the stacks of so many errors.
Error.stackTraceLimit = 0;
const folder = mkdtempSync(join(tmpdir(), 'espalier-fuzz-'));
const kept = mkdtempSync(join(tmpdir(), 'espalier-fuzz-found-'));
const typed = (error) => /^(EspalierError|EspError)$/.test(error?.name) && typeof error.code === 'string';
let bad = 0;

for (const [format, { file, files }] of Object.entries(await samples())) {
  if (values.only !== '' && !values.only.split(',').includes(format)) continue;
  const own = join(folder, format);
  mkdirSync(own);
  const result = { format, run: 0, read: 0, refused: 0, ended: 0, untyped: 0, slowest: 0 };
  const end = performance.now() + 60_000 * Number(values.minutes);
  let i = first;
  for (; i < Number(values.count) && performance.now() < end; i++) {
    const sample = files[i % files.length];
    const broken = damager(seedOf(i))(sample);
    for (const [name, bytes] of Object.entries({ ...sample.beside, [file]: broken })) {
      if (i < first + files.length || name === file) writeFileSync(join(own, name), bytes);
    }
    const start = performance.now();
    try {
      await (readers[format] ?? read)(join(own, file));
      result.read++;
    } catch (error) {
      if (typed(error)) {
        result.refused++;
        if (/took more than/.test(error.message)) result.ended++;
      } else {
        result.untyped++;
        bad++;
        const name = join(kept, `${format}-${i}`);
        writeFileSync(name, broken);
        if (result.untyped <= 5) process.stderr.write(`${name}: ${error?.stack ?? error}\n`);
      }
    }
    result.run++;
    result.slowest = Math.max(result.slowest, performance.now() - start);
  }
  process.stdout.write(`${JSON.stringify({ ...result, slowest: Math.round(result.slowest), next: i })}\n`);
}
rmSync(folder, { recursive: true });
if (bad === 0) rmSync(kept, { recursive: true });
process.exitCode = bad === 0 ? 0 : 1;
