import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { EspalierError } from '@espalier/core';
import { plainText } from './plain.js';

/** The environment variable that holds a fleet's key. */
export const keyVariable = 'ESPALIER_FLEET_KEY';

/** Fewest characters of a key. */
const least = 32;

/** Signs what a fleet runs, and tells what was signed with the same key. What is in a queue is code. */
export class Key {
  readonly #secret: string;

  /** @throws EspalierError `bad-key` for one that is missing, or short enough to be guessed */
  constructor(secret: string | undefined) {
    if (secret === undefined || secret.length < least) {
      const what = secret === undefined || secret === '' ? 'There is no key' : 'The key is too short';
      throw new EspalierError(
        'bad-key',
        `${what}: ${keyVariable} has to hold at least ${least} characters.`,
        {
          remedy: `Make one, and give it to all machines of the fleet: export ${keyVariable}=$(openssl rand -hex 32)`,
        },
      );
    }
    this.#secret = secret;
  }

  /** @param what - What kind of thing it is: a signature of one kind is none of another. */
  sign(what: string, value: unknown): string {
    return createHmac('sha256', this.#secret)
      .update(`${what}\n${plainText(value)}`)
      .digest('hex');
  }

  signed(what: string, value: unknown, signature: string): boolean {
    const [own, given] = [Buffer.from(this.sign(what, value)), Buffer.from(signature)];
    return own.length === given.length && timingSafeEqual(own, given);
  }
}

/** The SHA-256 of bytes, or of a value, in hexadecimal digits. */
export function hashOf(value: unknown): string {
  const content = value instanceof Uint8Array ? value : plainText(value);
  return createHash('sha256').update(content).digest('hex');
}
