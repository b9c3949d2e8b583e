// node compress-one.mjs name options: one line of `published-models.mjs`, as JSON.
import { startBackend } from '@espalier/backend';
import { compare, compress, compressWeights, load } from '@espalier/compress';
import * as tf from '@tensorflow/tfjs-core';
import { brotli, convertUniformly, textBytes } from '../../examples/existing-models/uniform.js';
import { heldOut } from './held-out.mjs';
import { round } from './numbers.mjs';
import { published } from './published.mjs';

const [name, text] = process.argv.slice(2);
const options = JSON.parse(text);
const artifacts = await published.find((model) => model.name === name).read();
await startBackend({ prefer: 'native' });
const seconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const log = (line) => process.stderr.write(`${seconds().toFixed(1)} s ${line}\n`);
const before = seconds();

/** As the command does: weights by themselves where the model cannot be run. */
async function compressed() {
  const sample = { count: 48, length: 48, seed: 1 };
  try {
    return await compress(artifacts, { ...options, sample, log });
  } catch (error) {
    if (error.code !== 'cannot-run') throw error;
    log(error.message);
    const { quality } = options;
    return { ...(await compressWeights(artifacts, { quality, log })), reason: error.message };
  }
}

const result = await compressed();
const row = {
  name,
  cpuSeconds: round(seconds() - before, 1),
  peakMB: Math.round(process.resourceUsage().maxRSS / 1024),
  bytes: result.file.length,
  losslessBytes: result.losslessBytes,
  brotli11: brotli(new Uint8Array(artifacts.weightData)) + textBytes(artifacts),
  met: result.met,
  lossless: result.lossless,
  ...(result.reason ? { reason: result.reason, snr: round(result.snr, 2) } : {}),
};
if (result.fidelity) {
  row.reported = round(result.fidelity.psnr, 2);
  row.reportedLeast = round(result.fidelity.least, 2);
  row.measuredOn = result.measuredOn;
}
const converted = convertUniformly(artifacts, 8);
row.uint8Brotli = converted.weightBytes + converted.textBytes;

/** Outputs for each picture by itself. */
async function outputsOf(own, pictures) {
  const model = await load(own);
  const all = [];
  for (let i = 0; i < pictures.shape[0]; i++) {
    const picture = tf.slice(pictures, i, 1);
    const outputs = await model.run([picture]);
    all.push(
      outputs
        .filter(({ dtype }) => dtype === 'float32')
        .map((output) => ({ shape: output.shape, values: Float32Array.from(output.dataSync()) })),
    );
    tf.dispose([picture, ...outputs]);
  }
  model.dispose();
  return all;
}

/** All pictures' mean square, in units of the peaks that the report has; and the worst output of one picture, by its own span. */
function figures(original, other, peaks) {
  let noise = 0;
  original.forEach((outputs, i) => {
    noise += 10 ** (-compare(outputs, other[i], peaks).psnr / 10) / original.length;
  });
  const [outputs, others] = [original[4], other[4]];
  const worst = outputs.map((output, o) => {
    const [low, high] = output.values.reduce(
      ([a, b], v) => [Math.min(a, v), Math.max(b, v)],
      [Infinity, -Infinity],
    );
    return compare([output], [others[o]], [high - low || 1]).psnr;
  });
  return { all: round(-10 * Math.log10(noise), 2), worstOfOne: round(Math.min(...worst), 2) };
}

/** Pictures of 0 to 1 as a model takes them: integers go from 0 to 255. The first is disposed. */
function inDtype(pictures, dtype) {
  if (dtype !== 'int32') return pictures;
  const whole = tf.tidy(() => tf.cast(tf.round(tf.mul(pictures, 255)), 'int32'));
  pictures.dispose();
  return whole;
}

try {
  const model = await load(artifacts);
  const [input, ...rest] = model.inputs;
  model.dispose();
  const takesPictures = rest.length === 0 && input.shape.length === 4 && [1, 3].includes(input.shape[3]);
  if (takesPictures && result.peaks) {
    const size = input.shape.slice(1).map((n, axis) => (n < 0 ? (axis === 2 ? 3 : 48) : n));
    const pictures = inDtype(await heldOut(size), input.dtype);
    const original = await outputsOf(artifacts, pictures);
    row.onPhotographs = figures(original, await outputsOf(result.artifacts, pictures), result.peaks);
    row.uint8OnPhotographs = figures(original, await outputsOf(converted.artifacts, pictures), result.peaks);
    pictures.dispose();
  }
} catch (error) {
  row.notMeasured = error.message;
}
process.stdout.write(`${JSON.stringify(row)}\n`);
