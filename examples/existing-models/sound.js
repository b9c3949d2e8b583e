// Sound for basic-pitch: notes that are made up for calibration, recorded music to measure on.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Samples a second that basic-pitch takes. */
const rate = 22050;

/** Windows of two to twelve decaying notes with overtones, a little detuned, in a little noise: `[count, length]`. */
export function notes(count, length, seed) {
  const random = uniform(seed);
  const values = new Float32Array(count * length);
  for (let window = 0; window < count; window++) {
    const own = values.subarray(window * length, (window + 1) * length);
    const loudness = 0.05 + 0.5 * random();
    for (let note = 2 + Math.floor(random() * 11); note > 0; note--) {
      const pitch = 55 * 2 ** (Math.floor(random() * 60) / 12 + 0.02 * (random() - 0.5));
      const [start, decay, fall] = [random() * 0.8 * length, 0.1 + random(), 0.4 + 1.2 * random()];
      for (let overtone = 1; overtone <= 12 && overtone * pitch < rate / 2; overtone++) {
        const [speed, phase] = [(2 * Math.PI * overtone * pitch) / rate, 2 * Math.PI * random()];
        const strength = (loudness * (0.5 + random())) / overtone ** (2 * fall) / 4;
        for (let t = Math.floor(start); t < length; t++) {
          const seconds = (t - start) / rate;
          const envelope = Math.min(1, seconds / 0.01) * Math.exp(-seconds / decay);
          own[t] += strength * envelope * Math.sin(speed * t + phase);
        }
      }
    }
    const noise = 0.002 * random();
    for (let t = 0; t < length; t++) own[t] += noise * (random() - 0.5);
  }
  return values;
}

/** audio-lena: twelve seconds of a song, 16 bits, 44.1 kHz; windows that overlap by half: `[windows, length, 1]`. */
export async function readWav(folder, length) {
  const file = await readFile(join(folder, 'lena.wav'));
  const at = file.indexOf('data') + 8;
  const samples = new Int16Array(
    new Uint8Array(file.subarray(at, at + 2 * Math.floor((file.length - at) / 2))).buffer,
  );
  const half = Float32Array.from(
    { length: samples.length >> 1 },
    (_, i) => (samples[2 * i] + samples[2 * i + 1]) / 65536,
  );
  const windows = Math.floor((2 * half.length) / length) - 1;
  const values = new Float32Array(windows * length);
  for (let i = 0; i < windows; i++)
    values.set(half.subarray((i * length) >> 1, ((i * length) >> 1) + length), i * length);
  return tf.tensor(values, [windows, length, 1]);
}
