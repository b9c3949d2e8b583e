import { type Identity, readUpdate } from './head.js';

export type { Identity };

/** What {@link inspectUpdate} tells about an update. */
export interface UpdateReport {
  /** Bytes of the update itself. */
  readonly updateBytes: number;
  /** The file that it is for, and the one that it makes. */
  readonly old: Identity;
  readonly new: Identity;
  /** Whether it holds the new file as it is, because nothing of the old one was of use. */
  readonly whole: boolean;
}

/**
 * Describes an update from its first bytes.
 *
 * @throws EspError when it is damaged, or none
 *
 * @example
 * ```ts
 * import { encode } from '@espalier/codec';
 * import { diff, inspectUpdate } from '@espalier/codec/update';
 * const of = (value: number) => encode({
 *   weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' }],
 *   weightData: Float32Array.of(1, value).buffer,
 * });
 * const [old, made] = [of(2), of(3)];
 * const told = inspectUpdate(diff(old, made));
 * if (told.old.fileBytes !== old.length || told.new.fileBytes !== made.length) throw new Error(JSON.stringify(told));
 * ```
 */
export function inspectUpdate(update: ArrayBuffer | ArrayBufferView): UpdateReport {
  const { old, new: made, whole } = readUpdate(update);
  return { updateBytes: update.byteLength, old, new: made, whole };
}
