import {
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
    about: 'The same through gzip, tensor by tensor: level 9, of more than 65,536 weights 6.',
  },
  { key: 'uint8', label: 'uint8', about: "The converter's --quantize_uint8: a byte a weight." },
  {
    key: 'uint8-brotli',
    label: '… Brotli',
    about: 'The same through Brotli, tensor by tensor: quality 11, of more than 65,536 weights 9.',
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

/** Bytes of weights from which on time is short. */
const LARGE = 2 ** 19;

/** How artifacts are packed that are only looked at: large ones by the coders that take little time, for 1 % more. */
export function quickly({ weightData }: ModelArtifacts): EncodeOptions {
  const parts = Array.isArray(weightData) ? weightData : [weightData];
  const bytes = parts.reduce((sum, part) => sum + (part?.byteLength ?? 0), 0);
  if (bytes < LARGE) return { effort: 1, verify: false };
  return { effort: 0, verify: false, codecs: ['lz', 'planes', 'rans', 'ctx-fast', 'same'] };
}

/** Weights without their topology, whose text is packed once and takes as much in each file. */
function encodeAlone(artifacts: ModelArtifacts, grids: Record<string, Grid>): Uint8Array {
  const { weightSpecs, weightData } = artifacts;
  const options = { ...quickly(artifacts), effort: 0, grids };
  return encode({ weightSpecs, weightData } as ModelArtifacts, options);
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
 * as it is. All are bytes that were really made, but for codebooks, whose indices all have the same width.
 *
 * @param packed - The `.esp` file of `artifacts`.
 */
export async function costsOf(
  artifacts: ModelArtifacts,
  packed: Uint8Array,
  tensors: readonly Described[],
): Promise<Costs> {
  // Off to other threads; k-means and coders run here meanwhile.
  const zipped = tensors.map(async ({ weight, facts }) => {
    const [dense, small] = await Promise.all([plain(weight), uint8(weight, facts)]);
    return { dense, small };
  });
  const shared = tensors.map(({ weight, facts }) =>
    quantisable(weight, facts) ? sharedValues(weight.values as Float32Array, facts) : undefined,
  );
  const rounded = new Map<string, Rounded>();
  for (const { weight, facts } of tensors) {
    const own = quantisable(weight, facts) ? eightBits(weight, facts) : undefined;
    if (own) rounded.set(weight.name, own);
  }
  const grids: Record<string, Grid> = {};
  for (const { weight } of tensors) {
    const step = rounded.get(weight.name)?.step;
    if (step !== undefined) grids[weight.name] = { step, exponents: weight.shape.map(() => undefined) };
  }
  const weights = tensors.map(({ weight }) => weight);
  const eight = new Map(Array.from(rounded, ([name, { values }]) => [name, values]));
  const whole = inspect(packed);
  const alone =
    rounded.size === 0 ? whole : inspect(encodeAlone(withValues(artifacts, weights, eight), grids));
  const storedIn = ({ tensors: rows }: FileReport): Map<string, number> =>
    new Map(rows.map(({ name, storedBytes }) => [name, storedBytes]));
  const [inEight, inPacked] = [storedIn(alone), storedIn(whole)];

  const done = await Promise.all(zipped);
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
  totals['esp-8'] = { ...totals['esp-8'], bytes: alone.fileBytes - alone.textBytes + whole.textBytes };
  totals.esp = { ...totals.esp, bytes: packed.length };
  const centroids = new Map(
    tensors.flatMap(({ weight }, i) => {
      const own = shared[i];
      return own ? [[weight.name, { 16: own[16].centroids, 256: own[256].centroids }] as const] : [];
    }),
  );
  return { forms, totals, tensors: rows, centroids };
}
