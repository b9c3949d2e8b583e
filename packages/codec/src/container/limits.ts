import { checkName, fail } from '../errors.js';

/** What a decoder accepts; checked against the header before anything is allocated. */
export interface Limits {
  /** Elements of all tensors together. Default 2^28. */
  elements?: number;
  /** Bytes of all decoded tensors together. Default 1 GiB. */
  decodedBytes?: number;
  /** Number of tensors. Default 65,535. */
  tensors?: number;
  /** Bytes of the header, the compressed topology included. Default 4 MiB. */
  headerBytes?: number;
  /** Bytes of the decompressed topology, metadata and names. Default 32 MiB. */
  textBytes?: number;
  /** Exponents and terms of predictions, all together, that the header spells out. Default 2^20. */
  numbers?: number;
  /**
   * What is to be done beside reading bytes: 8 for each field, list and object of the text, 32 for each
   * tensor, 64 for each tile; less one for each byte that is decoded, text included. One takes some 50 nanoseconds.
   * Nor may the text have more copies than a third of this number and of its bytes. Default 2^20.
   */
  operations?: number;
}

const defaults: Required<Limits> = {
  elements: 2 ** 28,
  decodedBytes: 2 ** 30,
  tensors: 65535,
  headerBytes: 2 ** 22,
  textBytes: 2 ** 25,
  numbers: 2 ** 20,
  operations: 2 ** 20,
};

/** Of files that are one's own: whoever wrote them may read them, however large. */
export const unlimited: Required<Limits> = {
  elements: Infinity,
  decodedBytes: Infinity,
  tensors: Infinity,
  headerBytes: Infinity,
  textBytes: Infinity,
  numbers: Infinity,
  operations: Infinity,
};

/** `limits` with the defaults filled in. @throws EspError 'option' for a name or value that makes no sense. */
export function checkLimits(limits: Limits = {}): Required<Limits> {
  const all = { ...defaults };
  for (const name of Object.keys(limits) as (keyof Limits)[]) {
    checkName('limit', name, Object.keys(defaults));
    const value = limits[name] ?? all[name];
    if (!(value >= 0)) fail('option', `limit ${name} < 0`);
    all[name] = value;
  }
  return all;
}

/** Fails when a file wants more of something than the caller allows. */
export function atMost(limits: Required<Limits>, name: keyof Limits, wanted: number): void {
  if (wanted > limits[name]) fail('limit', `${wanted} ${name}, limit ${limits[name]}`);
}
