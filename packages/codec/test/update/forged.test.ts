import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/bytes/crc32c.js';
import { RangeEncoder } from '../../src/coders/range/encoder.js';
import { decode, EspError, encode } from '../../src/index.js';
import { writeBlob } from '../../src/update/blob.js';
import { Body, BYTES, SAME } from '../../src/update/body.js';
import { identityOf, writeUpdate } from '../../src/update/head.js';
import { writeHeader } from '../../src/update/header.js';
import { Opened } from '../../src/update/opened.js';
import { type Skeleton, skeletonOf } from '../../src/update/skeleton.js';
import { diff, patch } from '../../src/update.js';
import { draw, floats, modelOf, quantised } from './models.js';

// Updates that nobody's `diff` wrote, their checksums right: what comes of them is a file or an EspError, in bounded time.

const random = draw(77);
const below = (n: number): number => Math.floor(random() * n);

function seal(update: Uint8Array): Uint8Array {
  new DataView(update.buffer).setUint32(8, crc32c(update, 12), true);
  return update;
}

/** What comes of it: 'made' or the error's code, and how much processor time it took in ms. */
function outcome(old: Uint8Array, update: Uint8Array): { said: string; took: number } {
  const start = process.cpuUsage();
  let said = 'made';
  try {
    decode(patch(old, update, { elements: 2 ** 18, decodedBytes: 2 ** 22 }));
  } catch (error) {
    if (!(error instanceof EspError)) throw error;
    said = error.code;
  }
  const { user, system } = process.cpuUsage(start);
  return { said, took: (user + system) / 1000 };
}

const here = new URL('../golden/', import.meta.url);
const golden = readdirSync(here)
  .filter((name) => name.endsWith('.esp') && !name.startsWith('text'))
  .map((name) => new Uint8Array(readFileSync(new URL(name, here))));

describe('forged updates', () => {
  it('mutated bodies lead to a typed error, or to another file than the one that is named', () => {
    const model = (moved: number): Uint8Array =>
      encode(
        modelOf([
          floats('a', [40, 30], quantised(1200, 1, 0.1, moved)),
          floats(
            'b',
            [300],
            quantised(300, 2, 1).map((w) => w + moved + Math.sin(w)),
          ),
          floats('c', [20, 20], quantised(400, 3, 0.5, moved)),
        ]),
        { codecs: moved > 0 ? ['rans', 'planes'] : ['ctx-mix'] },
      );
    const pairs = [
      [model(0), model(0.1)],
      ...golden.map((file, i) => [file, golden[(i + 4) % golden.length]]),
    ];
    const updates = pairs.map(([old, next]) => diff(old, next));
    const codes = new Set<string>();
    for (let n = 0; n < 600; n++) {
      const which = n % 3 === 0 ? 0 : n % pairs.length;
      const update = updates[which].slice();
      for (let k = 1 + below(3); k > 0; k--) update[12 + below(update.length - 12)] = below(256);
      const { said } = outcome(pairs[which][0], seal(update));
      codes.add(said);
    }
    expect([...codes].sort()).toEqual(
      expect.arrayContaining(['checksum', 'header', 'length', 'limit', 'old', 'payload', 'version']),
    );
  });

  const old = encode(modelOf([floats('w', [400], quantised(400, 1, 0.1))]));
  const opened = new Opened(old);
  const skeleton = skeletonOf(old, opened.header) as Skeleton;

  /** An update whose body is written by `write`, for a file of so many bytes. */
  function forged(write: (body: Body, coder: RangeEncoder) => void, fileBytes = old.length): Uint8Array {
    const coder = new RangeEncoder();
    write(new Body(coder), coder);
    const own = identityOf(old);
    return writeUpdate({ old: own, new: { ...own, fileBytes }, whole: false, body: coder.finish() });
  }

  it.each([
    ['makes a file of more bytes than the limit', forged(() => {}, 2 ** 40), 'limit'],
    [
      'has a header of more bytes than the limit',
      forged(({ numbers }) => void numbers.code(2 ** 40, 2 ** 41)),
      'limit',
    ],
    [
      'has tiles for ever',
      forged((body, coder) => {
        const cuts = Uint8Array.of(9, 255, 255, 255, 255, 255, 15);
        writeBlob(coder, body.numbers, skeleton.bytes, skeleton.bytes);
        writeBlob(coder, body.numbers, cuts, skeleton.cuts);
        body.numbers.code(0, 2);
      }),
      'limit',
    ],
    [
      'takes a tensor that there is not',
      forged((body) => {
        writeHeader(body, opened, skeleton, opened.text);
        body.kind(SAME);
        body.source(60_000);
      }),
      'payload',
    ],
    [
      'has a payload of more bytes than it has itself',
      forged((body) => {
        writeHeader(body, opened, skeleton, opened.text);
        body.kind(BYTES);
        body.numbers.code(2 ** 30, 2 ** 31);
      }, 2 ** 21),
      'limit',
    ],
    [
      'is shorter than it needs',
      forged((body) => {
        writeHeader(body, opened, skeleton, opened.text);
      }),
      'payload',
    ],
  ])('one that %s is refused', (_, update, said) => {
    const found = outcome(old, update);
    expect(found.said).toBe(said);
    expect(found.took).toBeLessThan(2000);
  });

  it('one that is longer than it needs is refused', () => {
    const good = diff(old, old);
    const longer = seal(Uint8Array.from([...good, 0, 0, 0]));
    expect(outcome(old, longer).said).toBe('payload');
  });

  it('an older tensor is made use of once', () => {
    const two = encode(
      modelOf(['a', 'b'].map((name, i) => floats(name, [400], quantised(400, 1, 0.1, 0.1 * (i + 1))))),
    );
    const update = diff(old, two);
    // The second one has nothing that it follows from: it takes what it takes by itself.
    const [one, alone] = [0.1, 0.2].map((moved) =>
      encode(modelOf([floats('w', [400], quantised(400, 1, 0.1, moved))])),
    );
    expect(patch(old, update)).toEqual(two);
    expect(update.length).toBeGreaterThan(
      diff(old, one).length + new Opened(alone).header.tensors[0].stored - 20,
    );
  });

  it('zeros that go on take a share of what a file of as many would', () => {
    const zeros = (first: number): Uint8Array => {
      const weights = new Float32Array(2 ** 18);
      weights.fill(0.5, 0, 9);
      weights[first] = -0.5;
      return encode(modelOf([floats('w', [512, 512], weights)]), { codecs: ['ctx-fast'], effort: 0 });
    };
    const [from, to] = [zeros(20), zeros(30)];
    const update = diff(from, to);
    expect(update.length).toBeLessThan(120);
    const { said, took } = outcome(from, update);
    expect(said).toBe('made');
    expect(took).toBeLessThan(6000);
  });
});
