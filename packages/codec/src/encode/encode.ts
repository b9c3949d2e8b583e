import type { ModelArtifacts } from '../artifacts.js';
import { crc32c } from '../bytes/crc32c.js';
import { equalBytes } from '../bytes/equal.js';
import { sha256 } from '../bytes/sha256.js';
import { CODECS, type CodecName, STORAGE } from '../container/format.js';
import { RESERVED } from '../container/header.js';
import { type StoredTensor, writeFile } from '../container/header-write.js';
import { checkName, fail } from '../errors.js';
import { type Grid, levelsOnGrid } from '../layouts/grid/levels.js';
import { canonicalTopology } from '../text/canonical.js';
import { encodeText } from '../text/encode.js';
import { toJson } from '../text/json.js';
import { checkBack } from './check-back.js';
import { storeTensor, uniformTensor } from './choose.js';
import { tensorsOf } from './input.js';
import { withDistinctNames } from './named-by-paths.js';
import { encodeSmall } from './small.js';

/** How {@link encode} works; the defaults suit most models. */
export interface EncodeOptions {
  /** Keep the optimizer's weights (group 'optimizer'), which loading for inference never uses. Default false. */
  optimizer?: boolean;
  /** Licence text of the model, kept in the file; {@link inspect} shows it. */
  license?: string;
  /** Keep the SHA-256 of the payloads in the file; {@link verify} compares it. Default false. */
  sha256?: boolean;
  /** How much to try in search of the smallest form: 0 (quick) to 9. The same on every machine. Default 5. */
  effort?: number;
  /**
   * Milliseconds after which nothing more is tried: what has been found by then is kept, and what is left is stored
   * in the quickest way. How much is tried then depends on the machine. Default: no limit but `effort`.
   */
  budgetMs?: number;
  /**
   * 'balance', the default, takes a form that decodes several times faster when it is at most 0.5 % larger than the
   * smallest one; 'size' takes the smallest.
   */
  prefer?: 'balance' | 'size';
  /**
   * Take the small form of the file where there is one and it takes less: for nets whose weights all are levels, in files of up to
   * 65,535 bytes, 250 to 450 bytes less. Decoders of before format 1.4 refuse it. Default false.
   */
  small?: boolean;
  /**
   * Codecs to choose from; 'zero', 'constant' and 'raw' are always allowed. Default all. Without 'ctx-mix'
   * the file grows by some percent and decodes several times faster.
   */
  codecs?: readonly CodecName[];
  /**
   * Cut context-coded tensors into tiles of about so many elements, which decode on their own; each cut costs a
   * little compression. Default: one tile a tensor.
   */
  tileElements?: number;
  /**
   * Float32 tensors that lie on a grid whose step differs along axes, by name: how they were quantised cannot be
   * found out from their values. (One step for the whole tensor is found.)
   */
  grids?: Readonly<Record<string, Grid>>;
  /**
   * Decode the file before it is handed out, and compare it with what was given; false trusts instead, and saves about
   * as much time as loading the file takes. Default true.
   */
  verify?: boolean;
}

const OPTIONS = [
  'optimizer',
  'license',
  'sha256',
  'effort',
  'budgetMs',
  'prefer',
  'small',
  'codecs',
  'tileElements',
  'grids',
  'verify',
];

/**
 * Packs a model into an `.esp` file. How each tensor is stored follows from its values: few distinct ones
 * become a codebook and coded indices, zeros cost next to nothing, the rest is packed as floats. Lossless:
 * `decode` gives back the same weight bytes (signs of zero and NaN payloads too), specs and metadata. Layers of models in a
 * model that have equal names are named by their paths, as {@link namedByPaths} does it.
 *
 * @throws EspError 'input' when the artifacts contradict themselves, 'option' for an unknown option.
 *
 * @example
 * ```ts
 * import { encode } from '@espalier/codec';
 *
 * const sparse = new Float32Array(10000);
 * for (let i = 0; i < 10000; i += 50) sparse[i] = (i % 3) - 1;
 * const file = encode({
 *   weightSpecs: [{ name: 'dense/kernel', shape: [100, 100], dtype: 'float32' }],
 *   weightData: sparse.buffer,
 * });
 * if (file.length > 300) throw new Error('40,000 bytes should become less than 300');
 * ```
 */
export function encode(given: ModelArtifacts, options: EncodeOptions = {}): Uint8Array {
  return encodeNamed(withDistinctNames(given), options);
}

function encodeNamed(artifacts: ModelArtifacts, options: EncodeOptions): Uint8Array {
  const { effort, codecs, prefer, budgetMs, grids, tileElements } = checkOptions(options);
  const given = tensorsOf(artifacts).filter(({ spec }) => options.optimizer || spec.group !== 'optimizer');
  const meta = metadataOf(artifacts);
  const names = given.map(({ spec }) => spec.name);
  for (const name of Object.keys(grids)) {
    if (!given.some(({ spec }) => spec.name === name))
      fail('input', `there is a grid for "${name}", but no such tensor`);
  }
  const text = toJson([canonical(meta, options), ...names]);
  const now = (): number => performance.now();
  const stop = now() + budgetMs;
  const tensors: StoredTensor[] = [];
  const known = new Map<string, number>();
  // Each tensor has its share of the time that is left, by its size; so has the text.
  let left = given.reduce((n, { bytes }) => n + bytes.length, text.length);
  const moreFor = (size: number): (() => boolean) => {
    const end = now() + (size / Math.max(1, left)) * (stop - now());
    left -= size;
    return () => budgetMs === Infinity || now() < end;
  };
  for (const { spec, storage, bytes } of given) {
    const grid = Object.hasOwn(grids, spec.name) ? grids[spec.name] : undefined;
    if (grid && storage !== 0) fail('input', `"${spec.name}" is not float32 and cannot lie on a grid`);
    const onGrid = grid && levelsOnGrid(spec.name, spec.shape, bytes, grid);
    const more = moreFor(bytes.length);
    const uniform = uniformTensor(spec, storage, bytes);
    const itemBytes = STORAGE[storage][2];
    const key = `${bytes.length} ${crc32c(bytes)}`;
    const earlier = known.get(key);
    const same = tensors.length - (earlier ?? 0);
    // Zeros take nothing; a constant may take less than to say how far back its like is.
    const worth = !uniform || (uniform.codec === 'constant' && (same < 128 ? 1 : 2) < itemBytes);
    if (worth && earlier !== undefined && equalBytes(given[earlier].bytes, bytes)) {
      const elements = bytes.length / itemBytes;
      tensors.push({ spec, storage, elements, codec: 'same', same, payloads: [] });
      continue;
    }
    known.set(key, tensors.length);
    const search = { effort, more, prefer, codecs, tileElements };
    tensors.push(uniform ?? storeTensor(spec, storage, bytes, search, onGrid));
  }
  const hash = options.sha256 ? { sha256: sha256(tensors.flatMap(({ payloads }) => payloads)) } : undefined;
  const more = effort === 0 ? () => false : moreFor(text.length);
  const whole = hash ? toJson([{ ...canonical(meta, options), ...hash }, ...names]) : text;
  const utf8 = new TextEncoder().encode(whole);
  const ordinary = writeFile(tensors, encodeText(utf8, more));
  const small = options.small && !hash ? encodeSmall(given, whole, ordinary.length, grids) : undefined;
  const file = small && small.length < ordinary.length ? small : ordinary;
  if (options.verify !== false) checkBack(file, given, meta);
  return file;
}

/** The options with defaults filled in. */
function checkOptions(options: EncodeOptions): Required<Omit<EncodeOptions, 'license' | 'small'>> {
  for (const name of Object.keys(options)) {
    checkName('option', name, OPTIONS);
  }
  const { effort = 5, codecs = CODECS, prefer = 'balance', budgetMs = Infinity, license } = options;
  const { tileElements = Infinity, optimizer = false, sha256 = false, grids = {}, verify = true } = options;
  if (!Number.isInteger(effort) || effort < 0 || effort > 9)
    fail('option', 'effort must be an integer from 0 to 9');
  for (const name of codecs) {
    checkName('codec', name, CODECS);
  }
  checkName('preference', prefer, ['balance', 'size']);
  if (!(budgetMs >= 0)) fail('option', 'budgetMs must be a number >= 0');
  if (!(tileElements >= 1)) fail('option', 'tileElements must be at least 1');
  if (license !== undefined && typeof license !== 'string') fail('option', 'license must be a text');
  return { effort, codecs, prefer, budgetMs, tileElements, optimizer, sha256, grids, verify };
}

/** All artifacts but the weights. */
export function metadataOf(artifacts: ModelArtifacts): Record<string, unknown> {
  const kept = Object.entries(artifacts).filter(
    ([key, item]) => !RESERVED.includes(key) && item !== undefined,
  );
  for (const [key] of kept) {
    if (key === 'license' || key === 'sha256') fail('input', `"${key}" is no part of ModelArtifacts`);
  }
  return Object.fromEntries(kept);
}

/** What the file says of them. */
function canonical(meta: Record<string, unknown>, { license }: EncodeOptions): Record<string, unknown> {
  const fields = Object.entries(meta).map(([key, item]) => [
    key,
    key === 'modelTopology' ? canonicalTopology(item) : item,
  ]);
  return { ...Object.fromEntries(fields), ...(license !== undefined && { license }) };
}
