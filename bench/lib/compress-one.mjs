// node compress-one.mjs name options: one line of `published-models.mjs`, as JSON.
import { isDeepStrictEqual } from 'node:util';
import { startBackend } from '@espalier/backend';
import { decode, encode } from '@espalier/codec';
import { compare, compress, compressWeights, load } from '@espalier/compress';
import * as tf from '@tensorflow/tfjs-core';
import { brotli, convertUniformly, textBytes } from '../../examples/existing-models/uniform.js';
import { heldOut } from './held-out.mjs';
import { morePublished } from './more-published.mjs';
import { round } from './numbers.mjs';
import { published } from './published.mjs';

const [name, text] = process.argv.slice(2);
const options = JSON.parse(text);
const seconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const found = [...published, ...morePublished].find((model) => model.name === name);
const artifacts = await found.read();

/** Packed as it is, and read back: its bytes, the time for both, whether every bit is the same. */
function packed() {
  const start = seconds();
  const file = encode(artifacts);
  const back = decode(file);
  const taken = seconds() - start;
  // `original_dtype` says what `dtype` says, and is not kept.
  const plain = ({ quantization: { original_dtype: _, ...how } = {}, ...spec }) => ({ ...spec, how });
  const same =
    Buffer.compare(new Uint8Array(back.weightData), new Uint8Array(artifacts.weightData)) === 0 &&
    isDeepStrictEqual(back.modelTopology, artifacts.modelTopology) &&
    isDeepStrictEqual(back.weightSpecs.map(plain), artifacts.weightSpecs.map(plain));
  return { packedBytes: file.length, packSeconds: round(taken, 1), same };
}

const plain = found.published ? packed() : {};
await startBackend({ prefer: 'native' });
const log = (line) => process.stderr.write(`${seconds().toFixed(1)} s ${line}\n`);
const before = seconds();

/** As the command does: weights by themselves where the model cannot be run. */
async function compressed() {
  const sample = { count: 48, length: 48, seed: 1 };
  try {
    if (!artifacts.modelTopology)
      return { ...(await compressWeights(artifacts, { ...options, log })), reason: 'weights alone' };
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
  ...(found.published && { published: await found.published(), ...plain }),
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
  row.reportedMean = round(result.fidelity.mean ?? result.fidelity.psnr, 2);
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

/** Fewer values for a picture span what they do over all. */
const leastValues = 16;

/** PSNR in dB of the worst output of each picture, by what it spans for that one; and of the fifth, which is a face. */
function figures(original, other, peaks) {
  const worst = original.map((outputs, i) => {
    const each = outputs.map((output, o) => {
      const span = spanOf(output.values);
      return compare(
        [output],
        [other[i][o]],
        [output.values.length < leastValues ? peaks[o] : span || peaks[o]],
      ).psnr;
    });
    return Math.min(...each);
  });
  return { least: round(Math.min(...worst), 2), face: round(worst[4], 2), mean: round(meanOf(worst), 2) };
}

function spanOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return high - low;
}

const meanOf = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;

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
    const of = async (own) => figures(original, await outputsOf(own, pictures), result.peaks);
    row.onPhotographs = await of(result.artifacts);
    row.uint8OnPhotographs = await of(converted.artifacts);
    // The converter's steps at the fidelity of ours: the fewest bits that have it. Brotli takes longer than all before.
    for (let bits = 5; bits <= (found.published ? 4 : 14); bits++) {
      const equal = convertUniformly(artifacts, bits);
      if ((await of(equal.artifacts)).least < row.onPhotographs.least) continue;
      row.equal = { bits, bytes: equal.weightBytes + equal.textBytes };
      break;
    }
    pictures.dispose();
  }
} catch (error) {
  row.notMeasured = error.message;
}
process.stdout.write(`${JSON.stringify(row)}\n`);
