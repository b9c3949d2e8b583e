import { crc32c } from '../bytes/crc32c.js';
import { Reader } from '../bytes/reader.js';
import { sha256 } from '../bytes/sha256.js';
import { asBytes } from '../bytes/view.js';
import { Writer } from '../bytes/writer.js';
import { fail } from '../errors.js';
import { joined } from './blob.js';

/** As that of an `.esp` file, but for the D. */
const MAGIC = Uint8Array.of(0x8a, 0x45, 0x53, 0x44, 0x0d, 0x0a, 0x1a, 0x0a);
const VERSION = 1;

/** What a file is known by. */
export interface Identity {
  /** Its length. */
  readonly fileBytes: number;
  /** The first 16 digits of its SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** What the beginning of an update says. */
export interface Head {
  readonly old: Identity;
  readonly new: Identity;
  /** The new file as it is, or what makes it of the old one. */
  readonly whole: boolean;
  readonly body: Uint8Array;
}

export function identityOf(file: Uint8Array): Identity {
  return { fileBytes: file.length, sha256: sha256([file]).slice(0, 16) };
}

export function writeUpdate(head: Head): Uint8Array {
  const out = new Writer();
  out.u8(VERSION);
  out.u8(head.whole ? 1 : 0);
  for (const { fileBytes, sha256 } of [head.old, head.new]) {
    out.varint(fileBytes);
    for (let i = 0; i < 16; i += 2) out.u8(Number.parseInt(sha256.slice(i, i + 2), 16));
  }
  out.put(head.body);
  const rest = out.take();
  const crc = new Writer();
  crc.uint(crc32c(rest), 4);
  return joined([MAGIC, crc.take(), rest]);
}

/** @throws EspError 'magic', 'version', 'checksum' or 'header' for what is no undamaged update */
export function readUpdate(update: ArrayBuffer | ArrayBufferView): Head {
  const bytes = asBytes(update);
  if (bytes.length < 14 || MAGIC.some((byte, i) => bytes[i] !== byte)) fail('magic', 'no .espd file');
  const reader = new Reader(bytes.subarray(8));
  const crc = reader.uint(4);
  const rest = bytes.subarray(12);
  if (crc32c(rest) !== crc) fail('checksum', 'damaged update');
  if (reader.uint(1) !== VERSION) fail('version', 'unknown version of an update');
  const whole = reader.uint(1);
  if (whole > 1) fail('version', 'unknown kind of update');
  const identity = (): Identity => ({
    fileBytes: reader.varint(),
    sha256: Array.from(reader.take(8), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  });
  return { old: identity(), new: identity(), whole: whole > 0, body: rest.subarray(reader.position - 4) };
}

/** Whether a file is the one that is named; its length is looked at first. */
export function isNamed(file: Uint8Array, { fileBytes, sha256 }: Identity): boolean {
  return file.length === fileBytes && identityOf(file).sha256 === sha256;
}

/** A file in words. */
export function describe({ fileBytes, sha256 }: Identity): string {
  return `${fileBytes} bytes, SHA-256 ${sha256}…`;
}
