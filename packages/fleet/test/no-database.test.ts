import { describe, expect, it } from 'vitest';
import { checkPath } from '../src/bundle.js';
import { Database, Key, shownUrl } from '../src/index.js';
import { fromPlain, plainText } from '../src/plain.js';

const key = 'a key for tests, as long as it has to be';

describe('without a database', () => {
  it('a key that is missing or short is refused, and signatures are of one kind', () => {
    expect(() => new Key(undefined)).toThrow(/ESPALIER_FLEET_KEY/);
    expect(() => new Key('short')).toThrow(/at least 32/);
    const own = new Key(key);
    const signature = own.sign('trial', { a: 1, b: [2] });
    expect(own.signed('trial', { b: [2], a: 1 }, signature)).toBe(true); // In whichever order keys stand.
    expect(own.signed('bundle', { a: 1, b: [2] }, signature)).toBe(false);
    expect(own.signed('trial', { a: 1, b: [3] }, signature)).toBe(false);
    expect(own.signed('trial', { a: 1, b: [2] }, signature.slice(1))).toBe(false);
  });

  it('an address is shown without its password, and one that is none is not shown at all', () => {
    expect(shownUrl('postgres://me:secret@db.example:5433/trials?sslpassword=s')).toBe(
      'postgres://db.example:5433/trials',
    );
    expect(() => shownUrl('mysql://me:secret@db/x')).toThrow(/^(?!.*secret).*postgres:\/\/ address/);
    expect(() => shownUrl('not an address: secret')).toThrow(/^(?!.*secret)/);
  });

  it('a database that is not there is told of by its address, after its time', async () => {
    const lines: string[] = [];
    const url = 'postgres://me:secret@127.0.0.1:1/none';
    const database = new Database({ url, patience: 1, log: (line) => void lines.push(line) });
    const error = await database.query('select 1').catch((error: Error) => error);
    expect(error).toMatchObject({
      code: 'no-database',
      message: expect.stringContaining('127.0.0.1:1/none'),
    });
    expect(`${lines.join()} ${(error as Error).message}`).not.toContain('secret');
    expect(lines).toHaveLength(1);
    await database.close();
  }, 240_000);

  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', '', 'C:\\x', 'a\0b'])(
    'the path %j is no way out',
    (path) => {
      expect(() => checkPath(path)).toThrow(/no path within a bundle/);
    },
  );

  it('numbers that JSON has not come back', () => {
    const value = {
      a: [Number.NaN, Number.POSITIVE_INFINITY, -0.5],
      b: { c: Number.NEGATIVE_INFINITY, d: null },
    };
    expect(fromPlain(JSON.parse(plainText(value)))).toEqual(value);
    expect(plainText({ b: 1, a: undefined, c: [] })).toBe('{"b":1,"c":[]}');
  });
});
