import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLz } from '../src/coders/lz/decode.js';
import { encodeLz, encodeLzWell } from '../src/coders/lz/encode.js';
import { decode, encode, inspect } from '../src/index.js';
import { decodeText, parseText } from '../src/text/decode.js';
import { encodeText, type StoredText } from '../src/text/encode.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = ({ bytes, length, many }: StoredText): Uint8Array => decodeText(bytes, length, many);

/** A graph like those of published models. */
const graph = (blocks: number): string => {
  const node: { name: string; op: string; input?: string[]; attr: object }[] = [];
  for (let i = 0; i < blocks; i++) {
    const scope = `StatefulPartitionedCall/model/block_${i >> 4}/conv_${i & 15}`;
    const size = [3, 3, 8 * (1 + (i % 7)), 16].map((n) => ({ size: String(n) }));
    node.push({
      name: `${scope}/kernel`,
      op: 'Const',
      attr: { value: { tensor: { shape: { dim: size } } } },
    });
    const input = [node[node.length - 2]?.name ?? 'input', `${scope}/kernel`];
    const attr = { strides: { list: { i: ['1', '1', '1', '1'] } }, padding: { s: 'U0FNRQ==' } };
    node.push({ name: `${scope}/Conv2D`, op: 'Conv2D', input, attr });
  }
  return JSON.stringify(node);
};

const seconds = (run: () => unknown): number => {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
};

describe('text', () => {
  const topology = (units: number[], prefix: string): string =>
    JSON.stringify([
      {
        modelTopology: {
          class_name: 'Sequential',
          config: {
            name: 'sequential_1',
            layers: units.map((n, i) => ({
              class_name: 'Dense',
              config: {
                units: n,
                activation: i < units.length - 1 ? 'relu' : 'softmax',
                use_bias: true,
                kernel_initializer: {
                  class_name: 'VarianceScaling',
                  config: { scale: 1, mode: 'fan_avg', distribution: 'normal', seed: null },
                },
                bias_initializer: { class_name: 'Zeros', config: {} },
                kernel_regularizer: null,
                bias_regularizer: null,
                activity_regularizer: null,
                kernel_constraint: null,
                bias_constraint: null,
                name: `${prefix}${i + 1}`,
                trainable: true,
                ...(i === 0 ? { batch_input_shape: [null, 784], dtype: 'float32' } : {}),
              },
            })),
          },
          keras_version: 'tfjs-layers 4.22.0',
          backend: 'tensor_flow.js',
        },
        format: 'layers-model',
        generatedBy: 'TensorFlow.js tfjs-layers v4.22.0',
        convertedBy: null,
      },
      ...units.flatMap((_, i) => [`${prefix}${i + 1}/kernel`, `${prefix}${i + 1}/bias`]),
    ]);

  it('takes a small topology and its names down to a few dozen bytes', () => {
    for (const [units, prefix] of [
      [[300, 100, 10], 'dense_Dense'],
      [[512, 256, 128, 7], 'fc'],
    ] as const) {
      const text = utf8(topology([...units], prefix));
      const coded = encodeText(text);
      expect(coded.bytes.length).toBeLessThan(prefix === 'fc' ? 100 : 30);
      expect(parseText(read(coded))).toEqual(JSON.parse(topology([...units], prefix)));
    }
  });

  it("pays nothing for the order in which a graph node's attributes come", () => {
    const artifacts = (turn: (i: number) => boolean): { modelTopology: object; format: string } => ({
      format: 'graph-model',
      modelTopology: {
        node: Array.from({ length: 60 }, (_, i) => {
          const attr = [
            ['T', { type: 'DT_FLOAT' }],
            ['strides', { list: { i: ['1', '2', '2', '1'] } }],
            ['padding', { s: 'U0FNRQ==' }],
          ];
          return { name: `n${i}`, op: 'Op', attr: Object.fromEntries(turn(i) ? attr.reverse() : attr) };
        }),
      },
    });
    const [plain, mixed] = [() => false, (i: number) => (i * 7) % 5 < 2].map((turn) => artifacts(turn));
    const file = encode(mixed);
    expect(inspect(file).textBytes).toBe(inspect(encode(plain)).textBytes);
    expect(decode(file)).toMatchObject(mixed);
  });
});

describe('a text', () => {
  it('below 64 KiB is in the first form, and searched once', () => {
    const text = utf8(graph(6));
    const quick = encodeText(text, () => false);
    const searched = encodeText(text);
    expect([quick.many, searched.many, searched.length]).toEqual([1, 1, text.length]);
    for (const stored of [quick, searched]) expect(Buffer.compare(read(stored), text)).toBe(0);
    // What was not searched to its end was not remembered; what was is handed out again where there is time.
    expect(searched.bytes.length).toBeLessThan(quick.bytes.length);
    expect(encodeText(text.slice())).toBe(searched);
    // So is what was not searched at all, to who has no time; what was searched in part is nobody's.
    const again = encodeText(text, () => false);
    expect(again).toEqual(quick);
    expect(encodeText(text.slice(), () => false)).toBe(again);
    let asked = 0;
    expect(encodeText(text, () => asked++ === 0)).toEqual(quick);
    expect(asked).toBeGreaterThan(1);
    expect(encodeText(text, () => false)).toBe(again);
    expect(encodeText(text)).toEqual(searched);
    expect(encodeText(utf8(graph(5)))).not.toBe(searched);
  });
});

describe('a long text', () => {
  const names = (count: number): string =>
    JSON.stringify([{}, ...Array.from({ length: count }, (_, i) => `block_${i % 97}/layer_${i}/kernel`)]);

  it('is in the second form from 64 KiB on, which old decoders refuse, and takes less', () => {
    const [short, long] = [encodeText(utf8(names(2000))), encodeText(utf8(names(3000)))];
    expect([short.length < 65536, long.length < 65536, short.many, long.many]).toEqual([true, false, 1, 15]);
    expect(Buffer.from(read(long)).toString()).toBe(names(3000));
    const file = encode({
      modelTopology: JSON.parse(names(3000)),
      weightSpecs: [],
      weightData: new ArrayBuffer(0),
    });
    expect([...file.subarray(8, 12)]).toEqual([1, 0, 8, 0]);
    expect(decode(file).modelTopology).toEqual(JSON.parse(names(3000)));
    const first = encodeLzWell(utf8(names(3000)), 1, 3);
    expect(long.bytes.length).toBeLessThan(0.7 * first.length);
  });

  it('that is hardly anything is in the first form: no text may stand for more than its bytes allow', () => {
    const text = utf8(`[${'{},'.repeat(700_000)}{}]`);
    const stored = encodeText(text);
    expect(stored.many).toBe(1);
    expect(text.length).toBeLessThanOrEqual(32768 * stored.bytes.length + 131072);
    expect(Buffer.compare(read(stored), text)).toBe(0);
  });

  it.each([
    ['a graph', graph(900)],
    ['names', names(9000)],
    [
      'layers',
      JSON.stringify(
        Array.from({ length: 800 }, (_, i) => ({
          class_name: 'Dense',
          config: {
            units: ((i * 37) % 512) + 1,
            name: `dense_${i}`,
            activation: ['relu', 'tanh'][i % 2],
            seed: null,
          },
        })),
      ),
    ],
  ])('of %s takes no more than Brotli 11 makes of it', (_, text) => {
    const bytes = utf8(text);
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    expect(encodeText(bytes).bytes.length).toBeLessThan(1.02 * brotli.length);
  });
});

describe('the time of a topology', () => {
  it('is in proportion to its length, and about that of Brotli 11', () => {
    const [small, large] = [graph(100), graph(900)].map(utf8);
    const times = [small, large].map((text) => {
      encodeText(utf8(graph(120)));
      return seconds(() => encodeText(text));
    });
    // Nine times as long; with its square it would be 81.
    expect(times[1] / times[0]).toBeLessThan(54);
    const brotli = seconds(() =>
      brotliCompressSync(large, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    );
    // At most half as long again (docs/results.md), on a machine that does nothing else.
    expect(times[1]).toBeLessThan(6 * brotli + 0.5);
  });

  it('ends with the budget: what is left is stored in a quick way', () => {
    const text = utf8(graph(300));
    const [searched, quick] = [encodeText(text), encodeText(text, () => false)];
    expect(parseText(read(quick))).toEqual(JSON.parse(graph(300)));
    expect(quick.bytes.length).toBeGreaterThan(searched.bytes.length);
    expect(quick.bytes.length).toBeLessThan(text.length / 20);
  });
});

describe('a topology that is packed again', () => {
  const long = JSON.stringify(
    Array.from({ length: 1500 }, (_, i) => ({ name: `layer_${(i * 37) % 101}`, inputs: [i, i * i] })),
  );
  const artifacts = { modelTopology: { long } };
  const milliseconds = (run: () => unknown): number => {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };

  it('is not searched again, and is the same file', () => {
    let [first, again, other] = [encode({}), encode({}), encode({})];
    const cold = milliseconds(() => {
      first = encode(artifacts, { verify: false });
    });
    const warm = milliseconds(() => {
      again = encode(artifacts, { verify: false });
    });
    expect(warm).toBeLessThan(cold / 3);
    expect(again).toEqual(first);
    other = encode({ modelTopology: { long: long.replace('layer_0', 'layer_X') } });
    expect(decode(other).modelTopology).toEqual({ long: long.replace('layer_0', 'layer_X') });
    expect(encode(artifacts)).toEqual(first);
  });

  it('is not searched at effort 0, whatever was packed before', () => {
    const searched = encode(artifacts);
    const quick = encode(artifacts, { effort: 0 });
    expect(inspect(quick).textBytes).toBeGreaterThan(inspect(searched).textBytes);
    expect(encode(artifacts, { effort: 0, budgetMs: 1e9 })).toEqual(quick);
    expect(decode(quick)).toEqual(decode(searched));
  });
});

describe('the search for steps', () => {
  const decoded = (coded: Uint8Array, length: number, itemBytes: number): Uint8Array => {
    const out = new Uint8Array(length);
    decodeLz(coded, out, itemBytes);
    return out;
  };

  it('keeps any bytes, and is never worse than lazy matching', () => {
    const piece = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 700 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom(1, 2, 4), (pieces, itemBytes) => {
        const data = Uint8Array.from(
          pieces.flatMap(([bytes, times]) => Array.from({ length: times }, () => [...bytes]).flat()),
        );
        const coded = encodeLzWell(data, itemBytes, 5);
        expect(decoded(coded, data.length, itemBytes)).toEqual(data);
        expect(coded.length).toBeLessThanOrEqual(encodeLz(data, itemBytes, 5).length);
      }),
      { numRuns: 25 },
    );
  });

  it('saves some percent of a text', () => {
    const ops = ['Conv2D', 'Relu', 'BiasAdd', 'Add', 'Reshape'];
    const name = (i: number): string =>
      `model/block_${(i * 37) % 11}/${ops[(i * i) % 5]}_${i % 23}/${ops[i % 3]}`;
    const text = utf8(
      JSON.stringify(
        Array.from({ length: 300 }, (_, i) => ({
          name: name(i),
          op: ops[(i * i) % 5],
          input: [name(i - 1), ...(i % 4 ? [] : [name(i - 7)])],
          attr: { T: { type: 'DT_FLOAT' } },
        })),
      ),
    );
    const [lazy, searched] = [encodeLz(text, 1, 9), encodeLzWell(text, 1, 9)];
    expect(decoded(searched, text.length, 1)).toEqual(text);
    expect(searched.length).toBeLessThan(0.95 * lazy.length);
  });
});
