/** Numbers that readers go wrong at. */
const numbers = [0, 1, -1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const values = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  0.5,
  '',
  'constructor',
  '__proto__',
  '../x',
  [],
  {},
  [[]],
  [null],
];

/**
 * Makes a function that damages a sample in one to eight places: bytes anywhere, or, where it is text of JSON, its values; the same
 * for the same seed. `repair` puts right what would end every reading at once, such as checksums.
 */
export function damager(start) {
  let seed = start >>> 0;
  const random = (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const pick = (list) => list[random(list.length)];

  const bytesOf = (bytes) => {
    let out = Buffer.from(bytes);
    for (let n = 1 + random(8); n > 0 && out.length > 0; n--) {
      // Headers are where most is decided.
      const at = random(random(3) === 0 ? Math.min(512, out.length) : out.length);
      const kind = random(8);
      if (kind <= 1) out[at] ^= 1 << random(8);
      else if (kind === 2) out[at] = random(256);
      else if (kind === 3 && at + 4 <= out.length) out.writeInt32LE(pick(numbers) | 0, at);
      else if (kind === 4 && at + 4 <= out.length) out.writeInt32BE(pick(numbers) | 0, at);
      else if (kind === 5) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + random(16))]);
      else if (kind === 6)
        out = Buffer.concat([
          out.subarray(0, at),
          out.subarray(random(out.length), random(out.length)),
          out.subarray(at),
        ]);
      else if (random(4) === 0) out = out.subarray(0, at);
      if (out.length > 1 << 20) out = out.subarray(0, 1 << 20);
    }
    return out;
  };

  /** Another value somewhere in a value. */
  const jsonOf = (value, depth = 0) => {
    if (typeof value !== 'object' || value === null || random(6) === 0 || depth > 12) return pick(values);
    if (Array.isArray(value)) {
      const out = [...value];
      const at = random(out.length + 1);
      if (random(8) === 0) out.splice(at, random(2), pick(values));
      else if (out.length > 0) out[at % out.length] = jsonOf(out[at % out.length], depth + 1);
      return out;
    }
    const out = { ...value };
    const keys = Object.keys(out);
    if (keys.length === 0) return pick(values);
    const key = pick(keys);
    const kind = random(10);
    if (kind === 0) delete out[key];
    else if (kind === 1) out[pick(keys)] = out[key];
    else out[key] = jsonOf(out[key], depth + 1);
    return out;
  };

  return ({ bytes, json, wrap = (text) => text, repair = (text) => text }) => {
    if (json === undefined || random(4) === 0)
      return random(2) === 0 ? repair(bytesOf(bytes)) : bytesOf(bytes);
    let value = json;
    for (let n = 1 + random(3); n > 0; n--) value = jsonOf(value);
    return wrap(Buffer.from(JSON.stringify(value) ?? ''));
  };
}
