/** Pictures are read by the browser itself. */
export function decode(): never {
  throw new Error('A page reads pictures by itself.');
}
export function init(): never {
  return decode();
}
export class GifReader {
  constructor() {
    decode();
  }
}
export default { decode };
