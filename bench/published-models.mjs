/**
 * Published models that nobody has inputs for: `compress` at its defaults, in a process of its own each, beside what the
 * TensorFlow.js converter's uint8 and Brotli 11 make of them. Both are then measured on photographs that nothing was calibrated
 * on. Prints JSON, a line for each model.
 *
 *   node bench/published-models.mjs [part of a name …] [--more] [--quality 45] [--seconds 60]
 *
 * `--more` takes others, which nothing here was made or mended by when they were first read; these are packed as they are, too.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { morePublished } from './lib/more-published.mjs';
import { published } from './lib/published.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quality: { type: 'string', default: '45' },
    seconds: { type: 'string' },
    more: { type: 'boolean', default: false },
  },
});
const one = fileURLToPath(new URL('./lib/compress-one.mjs', import.meta.url));
for (const { name } of values.more ? morePublished : published) {
  if (positionals.length > 0 && !positionals.some((part) => name.includes(part))) continue;
  const options = JSON.stringify({
    quality: Number(values.quality),
    ...(values.seconds && { seconds: Number(values.seconds) }),
  });
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [one, name, options], {
    encoding: 'utf8',
    timeout: 570_000,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', TF_NUM_INTRAOP_THREADS: '1' },
  });
  const told = stderr.trim().split('\n').slice(-3).join(' | ');
  process.stdout.write(status === 0 ? stdout : `${JSON.stringify({ name, status, signal, told })}\n`);
}
