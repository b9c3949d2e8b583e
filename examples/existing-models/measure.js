// One model: the converter's quantisation and ours, on inputs that neither was chosen by.
import { encode, inspect } from '@espalier/codec';
import { compare, compress, load } from '@espalier/compress';
import * as tf from '@tensorflow/tfjs-core';
import { inputsOf } from './inputs.js';
import { artifactsOf } from './models.js';
import { brotli, convertUniformly, textBytes } from './uniform.js';

/** Examples computed at a time, where the model takes any number. */
const usualBatch = 8;

/** Asked for beyond the converter's fidelity: what is measured on other inputs differs a little. */
const margin = 0.75;

/** A model's outputs for all examples. */
async function outputsOf(artifacts, examples) {
  const model = await load(artifacts);
  const [fixed] = model.inputs[0].shape;
  const batch = fixed > 0 ? fixed : usualBatch;
  const shapes = [];
  const parts = [];
  for (let start = 0; start < examples.shape[0]; start += batch) {
    const input = tf.slice(examples, start, Math.min(batch, examples.shape[0] - start));
    const outputs = await model.run([input]);
    outputs.forEach((output, o) => {
      shapes[o] = [examples.shape[0], ...output.shape.slice(1)];
      parts[o] = [...(parts[o] ?? []), Float32Array.from(output.dataSync())];
    });
    tf.dispose([input, ...outputs]);
  }
  model.dispose();
  return parts.map((list, o) => {
    const values = new Float32Array(list.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of list) {
      values.set(part, at);
      at += part.length;
    }
    return { shape: shapes[o], values };
  });
}

/** What an output spans, at least 1/32 of its greatest magnitude. */
function spanOf({ values }) {
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  return Math.max(high - low, Math.max(high, -low) / 32) || 1;
}

/** The rows of one model. */
export async function measure(model, { folder, write, log }) {
  const artifacts = await artifactsOf(model);
  const raw = artifacts.weightData.byteLength;
  const { calibration, heldOut } = await inputsOf(model.inputs, { folder });
  const original = {
    calibration: await outputsOf(artifacts, calibration),
    heldOut: await outputsOf(artifacts, heldOut),
  };
  const peaks = original.calibration.map((output) => model.inputs.peak ?? spanOf(output));
  const fidelity = async (other, inputs, outputs) => {
    const { agreement, ...measured } = compare(outputs, await outputsOf(other, inputs), peaks);
    return model.classes ? { ...measured, agreement } : measured;
  };
  const rows = [];
  for (const { bits, decibels, size } of model.aims) {
    const row = { name: model.name, raw, bits };
    if (bits === 32) {
      const file = encode(artifacts, { effort: 9, prefer: 'size' });
      const converter = {
        weightBytes: brotli(new Uint8Array(artifacts.weightData)),
        textBytes: textBytes(artifacts),
        psnr: Infinity,
      };
      await write(`${nameOf(model, bits)}.esp`, file);
      rows.push({ ...row, converter, ours: { ...sizes(file), fidelity: { psnr: Infinity } } });
      continue;
    }
    const converted = typeof bits === 'number' ? convertUniformly(artifacts, bits) : undefined;
    const converter = converted
      ? {
          ...converted,
          artifacts: undefined,
          psnr: (await fidelity(converted.artifacts, heldOut, original.heldOut)).psnr,
        }
      : {
          weightBytes: brotli(new Uint8Array(artifacts.weightData)),
          textBytes: textBytes(artifacts),
          psnr: Infinity,
        };
    const known = converted
      ? (await fidelity(converted.artifacts, calibration, original.calibration)).psnr
      : 0;
    const aim = size ? { size } : { quality: Math.max(known, decibels) + margin };
    log(
      `${model.name}, ${bits}: asking for ${JSON.stringify(aim)}; the converter has ${known.toFixed(2)} dB there`,
    );
    const start = performance.now();
    const result = await compress(artifacts, {
      ...aim,
      calibration: [calibration],
      peak: model.inputs.peak,
      seconds: model.seconds ?? Infinity,
      log,
    });
    await write(`${nameOf(model, size ? `${bits} ${size}` : bits)}.esp`, result.file);
    const seconds = (performance.now() - start) / 1000;
    const ours = {
      ...sizes(result.file),
      fidelity: await fidelity(result.artifacts, heldOut, original.heldOut),
    };
    log(`${ours.bytes} bytes in ${seconds.toFixed(0)} s`);
    rows.push({ ...row, asked: aim, seconds, converter, ours });
  }
  tf.dispose([calibration, heldOut]);
  return rows;
}

/** A file's name. */
function nameOf({ name }, bits) {
  return `${name} ${bits}`.replace(/\W+/g, '-').replace(/^-/, '');
}

/** The whole file, and what is left of it without topology and names. */
function sizes(file) {
  return { bytes: file.length, weightBytes: file.length - inspect(file).textBytes };
}
