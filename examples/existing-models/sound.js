// Sound for basic-pitch: music that is made up for calibration, recorded music to measure on.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Samples a second that basic-pitch takes. */
const sampling = 22050;

/**
 * Windows of something like music, at all degrees of loudness: plucked, sung and bowed notes, most with vibrato, voices with
 * formants; drums; noise behind it all, and the soft clipping of a loud recording: `[count, length]`.
 */
export function music(count, length, seed) {
  const random = randomUniform(seed);
  const values = new Float32Array(count * length);
  for (let window = 0; window < count; window++) {
    const own = values.subarray(window * length, (window + 1) * length);
    for (let n = 1 + Math.floor(random() * 9); n > 0; n--) addNote(own, random);
    for (let n = random() < 0.5 ? 0 : Math.floor(random() * 12); n > 0; n--) addDrum(own, random);
    addNoise(own, 10 ** (-3 + 2 * random()), random);
    const peak = own.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    // 40 dB down to a little clipping.
    const gain = 10 ** (-2 + 2.2 * random()) / peak;
    for (let t = 0; t < length; t++) own[t] = Math.tanh(gain * own[t]);
  }
  return values;
}

/** A note out of five octaves, not quite in tune: a fundamental and its overtones. */
function addNote(own, random) {
  const pitch = 55 * 2 ** (Math.floor(random() * 60) / 12 + 0.03 * (random() - 0.5));
  const start = Math.floor((random() * 1.1 - 0.3) * own.length);
  const plucked = random() < 0.5;
  const [attack, decay] = plucked ? [0.004, 0.1 + random()] : [0.02 + 0.15 * random(), 0.2 + 1.5 * random()];
  const [rate, depth] = [4 + 3 * random(), plucked ? 0 : 0.03 * random()];
  const formants =
    random() < 0.5 ? [] : [300 + 600 * random(), 900 + 1500 * random(), 2500 + 1000 * random()];
  const [fall, level] = [0.5 + 1.5 * random(), 0.2 + 0.8 * random()];
  const angles = new Float64Array(own.length);
  for (let t = 0, angle = 0; t < own.length; t++) {
    angle += ((2 * Math.PI * pitch) / sampling) * (1 + depth * Math.sin((2 * Math.PI * rate * t) / sampling));
    angles[t] = angle;
  }
  for (let overtone = 1; overtone <= 24 && overtone * pitch < 0.45 * sampling; overtone++) {
    const resonance = formants.reduce(
      (sum, f) => sum + 4 * Math.exp(-(((overtone * pitch - f) / 150) ** 2)),
      1,
    );
    const strength = (level * (0.5 + random()) * resonance) / overtone ** fall;
    const phase = 2 * Math.PI * random();
    // High overtones of a string die away first.
    const lasting = plucked ? decay / overtone ** 0.5 : decay;
    for (let t = Math.max(0, start); t < own.length; t++) {
      const seconds = (t - start) / sampling;
      const over = plucked ? seconds / lasting : (seconds - lasting) / 0.08;
      const held = Math.exp(-Math.max(0, over));
      if (held < 1e-4) break;
      own[t] += strength * Math.min(1, seconds / attack) * held * Math.sin(overtone * angles[t] + phase);
    }
  }
}

/** A drum: a tone that falls, and a burst of noise, dull or bright. */
function addDrum(own, random) {
  const start = Math.floor(random() * own.length);
  const [tone, noise, decay] = [random() < 0.4 ? 2 : 0, 2 * random(), 0.02 + 0.2 * random()];
  const [low, bright] = [40 + 100 * random(), random() < 0.5];
  for (let t = start, angle = 0, before = 0; t < own.length; t++) {
    const seconds = (t - start) / sampling;
    const envelope = Math.exp(-seconds / decay);
    if (envelope < 1e-4) break;
    angle += (2 * Math.PI * low * (1 + 2 * Math.exp(-seconds / 0.03))) / sampling;
    const white = 2 * random() - 1;
    const dull = 0.8 * before + 0.2 * white;
    own[t] += envelope * (tone * Math.sin(angle) + noise * (bright ? white - before : dull));
    before = bright ? white : dull;
  }
}

/** Noise that is louder at low frequencies. */
function addNoise(own, level, random) {
  for (let t = 0, slow = 0; t < own.length; t++) {
    const white = 2 * random() - 1;
    slow = 0.97 * slow + 0.2 * white;
    own[t] += level * (slow + 0.3 * white);
  }
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
