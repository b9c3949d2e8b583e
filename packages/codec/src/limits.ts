import { fail } from './errors.js';

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
  /** Bytes of the decompressed topology, metadata and names. Default 64 MiB. */
  textBytes?: number;
}

const defaults: Required<Limits> = {
  elements: 2 ** 28,
  decodedBytes: 2 ** 30,
  tensors: 65535,
  headerBytes: 2 ** 22,
  textBytes: 2 ** 26,
};

/** `limits` with the defaults filled in. @throws EspError 'option' for a name or value that makes no sense. */
export function checkLimits(limits: Limits = {}): Required<Limits> {
  const all = { ...defaults };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaults)) {
      fail('option', `unknown limit "${name}": there are ${Object.keys(defaults).join(', ')}`);
    }
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 0)
      fail('option', `limit ${name} must be a whole number >= 0`);
    all[name as keyof Limits] = value;
  }
  return all;
}
