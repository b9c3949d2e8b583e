import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, formatTable } from '@espalier/report';
import { compressFolder } from './deep-compression.js';
import { drawMissing, layersAt } from './layers.js';
import { histograms, violins } from './plots.js';

const { values: options } = parseArgs({
  options: {
    weights: { type: 'string' },
    out: { type: 'string', default: 'runs/deep-compression-alexnet' },
    keep: { type: 'string', default: '0.3' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '0' },
    effort: { type: 'string', default: '0' },
  },
});
const [keep, scale, seed, effort] = ['keep', 'scale', 'seed', 'effort'].map((name) => {
  const value = Number(options[name]);
  if (options[name].trim() !== '' && value >= 0) return value;
  throw new Error(`--${name} is '${options[name]}': give a number.`);
});
if (keep > 1) throw new Error(`--keep is ${keep}: give a share from 0 to 1.`);

const { out } = options;
const weights = options.weights ?? join(out, 'weights');
const layers = layersAt(scale);
const drawn = await drawMissing(weights, layers, seed);
if (drawn.length > 0) console.log(`Drawn from a normal into ${weights}: ${drawn.join(', ')}`);
const began = process.cpuUsage();
const { rows, deepBytes, espBytes } = await compressFolder({
  layers,
  weights,
  out,
  keep,
  effort,
  log: console.log,
});
const { user, system } = process.cpuUsage(began);

const pictures = rows.map(({ histogram }) => histogram);
await writeFile(join(out, 'histograms.svg'), histograms(pictures));
await writeFile(
  join(out, 'violins.svg'),
  violins(
    pictures,
    rows.map(({ mean }) => mean),
  ),
);
await writeFile(join(out, 'centres.svg'), histograms(pictures, true));

const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
const dense = sum(({ bytes }) => bytes.float32);
const steps = [
  ['float32', dense],
  [`pruned to ${100 * keep} %: values and 4-bit gaps`, sum(({ bytes }) => bytes.pruned)],
  ['centres: an index per weight, codebooks', sum(({ bytes }) => bytes.shared)],
  ['the same indices as PNG', sum(({ bytes }) => bytes.png)],
  ['relative indices: the file of Deep Compression', deepBytes],
  ['Huffman codes on both streams', sum(({ bytes }) => bytes.huffman)],
  ['.esp, names and checksums included', espBytes],
];
const table = steps.map(([step, bytes]) => [step, String(bytes), (dense / bytes).toFixed(2)]);
console.log(`\n${formatTable([['step', 'bytes', 'ratio'], ...table])}`);
const each = rows.map(({ name, size, kept, centres, fillers, error, bytes }) =>
  [name, size, kept, centres, fillers, error.toExponential(2), bytes.png, bytes.relative, bytes.huffman].map(
    String,
  ),
);
const head = ['layer', 'weights', 'kept', 'centres', 'fillers', 'RMS error', 'PNG', 'relative', 'Huffman'];
console.log(`\n${formatTable([head, ...each])}`);
const peak = formatBytes(process.resourceUsage().maxRSS * 1024);
console.log(
  `\nEverything came back as it was. ${((user + system) / 1e6).toFixed(1)} s of CPU time, at most ${peak} of memory.`,
);
