import {
  type CodecName,
  type EncodeOptions,
  encode,
  type FileReport,
  type Grid,
  inspect,
  type ModelArtifacts,
} from '@espalier/codec';
import { type Weight, withValues } from '@espalier/compress';
import type { Cost, Form, Statistics } from '@espalier/report';
import {
  eightBits,
  plain,
  quantisable,
  type Rounded,
  type Stored,
  sharedValues,
  uint8,
} from './other-forms.js';

/** A tensor, with what is known of its values. */
export interface Described {
  readonly weight: Weight;
  readonly facts: Statistics;
}

/** What a model costs in several forms. */
export interface Costs {
  readonly forms: readonly Form[];
  readonly totals: Record<string, Cost>;
  readonly tensors: ReadonlyMap<string, Record<string, Cost>>;
  /** By the tensor's name: the centres of k-means, by their number. */
  readonly centroids: ReadonlyMap<string, Readonly<Record<16 | 256, Float32Array>>>;
}

const forms: readonly Form[] = [
  { key: 'float32', label: 'float32', about: '4 bytes a weight.' },
  {
    key: 'float32-gzip',
    label: '… gzip',
    about:
      'The same through gzip, tensor by tensor: level 9, of more than 8,192 weights 6, of more than 65,536 estimated from a quarter of them.',
  },
  { key: 'uint8', label: 'uint8', about: "The converter's --quantize_uint8: a byte a weight." },
  {
    key: 'uint8-brotli',
    label: '… Brotli',
    about:
      'The same through Brotli, tensor by tensor: quality 11, of more than 8,192 weights 9, of more than 65,536 estimated from a quarter of them.',
  },
  {
    key: 'codebook-256',
    label: '256 centres',
    about: 'Deep Compression: k-means, up to 8 bits a weight and a codebook.',
  },
  {
    key: 'codebook-16',
    label: '16 centres',
    about: 'Deep Compression: k-means, up to 4 bits a weight and a codebook.',
  },
  { key: 'esp-8', label: '.esp, 8 bits', about: 'An .esp file with the steps of uint8, topology included.' },
  { key: 'esp', label: '.esp', about: 'The .esp file of the weights as they are, topology included.' },
];

/** Bytes of weights from which on time is short, and from which on repetitions are not looked for. */
const [LARGE, HUGE] = [2 ** 19, 3 * 2 ** 20];

/** How artifacts are packed that are only looked at: large ones by the coders that take little time, for 1 % more. */
export function quickly({ weightData }: ModelArtifacts): EncodeOptions {
  const parts = Array.isArray(weightData) ? weightData : [weightData];
  const bytes = parts.reduce((sum, part) => sum + (part?.byteLength ?? 0), 0);
  if (bytes < LARGE) return { effort: 1, verify: false };
  const codecs: CodecName[] = ['planes', 'rans', 'ctx-fast', 'same'];
  return { effort: 0, verify: false, codecs: bytes < HUGE ? ['lz', ...codecs] : codecs };
}

/** A few at a time: each takes a thread, and memory for its tables. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]);
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}

/** Rounded weights by themselves: what they leave as it is takes as much as in the file of all. */
function encodeRounded(
  artifacts: ModelArtifacts,
  weights: readonly Weight[],
  rounded: ReadonlyMap<string, Rounded>,
): Uint8Array {
  const own = weights.filter(({ name }) => rounded.has(name));
  const grids: Record<string, Grid> = {};
  for (const { name, shape } of own) {
    grids[name] = { step: (rounded.get(name) as Rounded).step, exponents: shape.map(() => undefined) };
  }
  const values = new Map(Array.from(rounded, ([name, one]) => [name, one.values]));
  const { weightSpecs, weightData } = withValues({}, own, values);
  const options = { ...quickly(artifacts), effort: 0, grids };
  return encode({ weightSpecs, weightData } as ModelArtifacts, options);
}

/** Bytes of the file of all once these tensors are rounded: headers of tensors take as much each, about. */
function bytesWith(whole: FileReport, part: FileReport): number {
  const names = new Set(part.tensors.map(({ name }) => name));
  const stored = ({ tensors }: FileReport): number =>
    tensors.reduce((sum, { name, storedBytes }) => sum + (names.has(name) ? storedBytes : 0), 0);
  const header = (file: FileReport): number =>
    file.fileBytes - file.textBytes - file.tensors.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const share = part.tensors.length / whole.tensors.length;
  return Math.round(whole.fileBytes - stored(whole) + stored(part) + (header(part) - header(whole) * share));
}

const rms = (squares: number, energy: number): number => (energy > 0 ? Math.sqrt(squares / energy) : 0);

function energyOf(weight: Weight): number {
  const values: ArrayLike<number> = weight.values ?? [];
  let sum = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) sum += values[i] ** 2;
  return sum;
}

/**
 * What a model costs: in float32, as the TF.js converter quantises it, with codebooks, and as an `.esp` file, at 8 bits and
 * as it is. Bytes were really made, but for codebooks, whose indices all have the same width, and for gzip and Brotli of large
 * tensors, which are estimated from a part.
 *
 * @param packed - The `.esp` file of `artifacts`.
 */
export async function costsOf(
  artifacts: ModelArtifacts,
  packed: Uint8Array,
  tensors: readonly Described[],
): Promise<Costs> {
  const shared = tensors.map(({ weight, facts }) =>
    quantisable(weight, facts) ? sharedValues(weight, facts) : undefined,
  );
  const rounded = new Map<string, Rounded>();
  for (const { weight, facts } of tensors) {
    const own = quantisable(weight, facts) ? eightBits(weight, facts) : undefined;
    if (own) rounded.set(weight.name, own);
  }
  const weights = tensors.map(({ weight }) => weight);
  const whole = inspect(packed);
  const alone = rounded.size === 0 ? undefined : inspect(encodeRounded(artifacts, weights, rounded));
  const storedIn = ({ tensors: rows }: FileReport): [string, number][] =>
    rows.map(({ name, storedBytes }) => [name, storedBytes]);
  const inPacked = new Map(storedIn(whole));
  const inEight = new Map([...inPacked, ...(alone ? storedIn(alone) : [])]);

  const done = await inTurns(tensors, async ({ weight, facts }) => {
    const [dense, small] = await Promise.all([plain(weight), uint8(weight, facts)]);
    return { dense, small };
  });
  const sums = new Map<string, Stored>(forms.map(({ key }) => [key, { bytes: 0, squares: 0 }]));
  let energy = 0;
  const rows = new Map<string, Record<string, Cost>>();
  for (const [i, { weight }] of tensors.entries()) {
    const { dense, small } = done[i];
    const stored: Record<string, Stored> = {
      float32: dense.raw,
      'float32-gzip': dense.gzip,
      uint8: small.raw,
      'uint8-brotli': small.brotli,
      'codebook-256': shared[i]?.[256] ?? dense.raw,
      'codebook-16': shared[i]?.[16] ?? dense.raw,
      'esp-8': { bytes: inEight.get(weight.name) ?? 0, squares: rounded.get(weight.name)?.squares ?? 0 },
      esp: { bytes: inPacked.get(weight.name) ?? 0, squares: 0 },
    };
    const own = energyOf(weight);
    energy += own;
    const costs: Record<string, Cost> = {};
    for (const [key, { bytes, squares }] of Object.entries(stored)) {
      const sum = sums.get(key) as Stored;
      sums.set(key, { bytes: sum.bytes + bytes, squares: sum.squares + squares });
      costs[key] = { bytes, error: rms(squares, own) };
    }
    rows.set(weight.name, costs);
  }
  const totals: Record<string, Cost> = {};
  for (const [key, { bytes, squares }] of sums) totals[key] = { bytes, error: rms(squares, energy) };
  totals['esp-8'] = { ...totals['esp-8'], bytes: alone ? bytesWith(whole, alone) : packed.length };
  totals.esp = { ...totals.esp, bytes: packed.length };
  const centroids = new Map(
    tensors.flatMap(({ weight }, i) => {
      const own = shared[i];
      return own ? [[weight.name, { 16: own[16].centroids, 256: own[256].centroids }] as const] : [];
    }),
  );
  return { forms, totals, tensors: rows, centroids };
}
