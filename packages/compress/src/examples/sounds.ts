/** Samples a second that are thought of; models take 16,000 to 22,050 mostly. */
const sampling = 16000;

/** A two-pole filter that rings at a frequency, both in samples a second. */
function resonate(samples: Float32Array, frequency: number, width: number): Float32Array {
  const radius = Math.exp((-Math.PI * width) / sampling);
  const [a, b] = [2 * radius * Math.cos((2 * Math.PI * frequency) / sampling), radius * radius];
  let [one, two] = [0, 0];
  return samples.map((x) => {
    const y = (1 - radius) * x + a * one - b * two;
    [one, two] = [y, one];
    return y;
  });
}

/** Syllables: a buzz or a hiss through three resonances that move from one to the next, with pauses. */
function addSpeech(own: Float32Array, random: () => number): void {
  const voice = 80 + 160 * random();
  for (let start = Math.floor((random() - 0.5) * 4000); start < own.length; ) {
    const length = Math.floor(sampling * (0.06 + 0.25 * random()));
    const voiced = random() < 0.75;
    const pitch = voice * (0.8 + 0.5 * random());
    const source = new Float32Array(length);
    for (let t = 0, phase = 0; t < length; t++) {
      phase += (pitch * (1 - (0.2 * t) / length)) / sampling;
      const pulse = phase >= 1 ? 1 : 0;
      phase -= pulse;
      const swell = Math.sin((Math.PI * (t + 1)) / (length + 1)) ** 0.5;
      source[t] = swell * (voiced ? 6 * pulse + 0.02 * (random() - 0.5) : 0.3 * (random() - 0.5));
    }
    const formants = voiced
      ? [300 + 600 * random(), 900 + 1500 * random(), 2400 + 900 * random()]
      : [2500 + 3000 * random()];
    const loud = 0.3 + 0.7 * random();
    for (const formant of formants) {
      const rung = resonate(source, formant, 60 + formant / 15);
      for (let t = Math.max(0, -start); t < length && start + t < own.length; t++)
        own[start + t] += loud * rung[t];
    }
    start += length + (random() < 0.2 ? Math.floor(sampling * 0.3 * random()) : 0);
  }
}

/** Notes out of five octaves: a fundamental and its overtones, plucked or bowed. */
function addMusic(own: Float32Array, random: () => number): void {
  for (let n = 1 + Math.floor(random() * 7); n > 0; n--) {
    const pitch = 55 * 2 ** (Math.floor(random() * 60) / 12);
    const start = Math.floor((random() * 1.2 - 0.3) * own.length);
    const [decay, fall, loud] = [0.1 + random(), 0.5 + 1.5 * random(), 0.1 + 0.4 * random()];
    const vibrato = random() < 0.5 ? 0 : 0.01 * random();
    for (let overtone = 1; overtone <= 12 && overtone * pitch < 0.45 * sampling; overtone++) {
      const strength = (loud * (0.5 + random())) / overtone ** fall;
      let angle = 2 * Math.PI * random();
      for (let t = Math.max(0, start); t < own.length; t++) {
        const seconds = (t - start) / sampling;
        angle += ((2 * Math.PI * overtone * pitch) / sampling) * (1 + vibrato * Math.sin(33 * seconds));
        const held = Math.exp(-seconds / decay);
        if (held < 1e-3) break;
        own[t] += strength * Math.min(1, seconds / 0.01) * held * Math.sin(angle);
      }
    }
  }
}

/** Noise that is louder at low frequencies. */
function addNoise(own: Float32Array, level: number, random: () => number): void {
  for (let t = 0, slow = 0; t < own.length; t++) {
    const white = 2 * random() - 1;
    slow = 0.97 * slow + 0.2 * white;
    own[t] += level * (slow + 0.3 * white);
  }
}

/** Something like speech or music or both, over noise, from 40 dB down to a little clipping: values in [-1, 1]. */
export function madeUpSound(length: number, random: () => number): Float32Array {
  const own = new Float32Array(length);
  const kind = random();
  if (kind < 0.6) addSpeech(own, random);
  if (kind > 0.45) addMusic(own, random);
  addNoise(own, 10 ** (-3 + 2 * random()), random);
  const peak = own.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
  const gain = 10 ** (-2 + 2.2 * random()) / peak;
  return own.map((v) => Math.tanh(gain * v));
}
