// Plain JavaScript, as is all that worker.js runs.
import { readSync, writeSync } from 'node:fs';

/** Puts bytes where pictures are kept. */
export function put(place, at, data) {
  if (place.bytes) {
    place.bytes.set(data, at);
    return;
  }
  for (let done = 0; done < data.length; ) {
    done += writeSync(place.file, data, done, data.length - done, at + done);
  }
}

/** The bytes of the chosen pictures, one after the other, and where in them each is. */
export function chosenOf(place, from, chosen, stride) {
  if (place.bytes) return { bytes: place.bytes.subarray(from), order: chosen };
  const bytes = new Uint8Array(chosen.length * stride);
  for (let i = 0; i < chosen.length; i++) {
    const at = from + chosen[i] * stride;
    for (let done = 0; done < stride; ) {
      const read = readSync(place.file, bytes, i * stride + done, stride - done, at + done);
      if (read === 0) throw new Error('the file of pictures ends too early');
      done += read;
    }
  }
  return { bytes, order: Uint32Array.from(chosen.keys()) };
}
