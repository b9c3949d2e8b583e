import { type EncodeOptions, encode, type Grid, type ModelArtifacts } from '@espalier/codec';
import type { Executable } from './model.js';
import { fitsSteps, readWeights, type Weight, withValues } from './weights.js';

/** Elements from which on tensors are compared with each other. */
const leastTwin = 64;

/** What a tensor becomes. */
interface Changed {
  readonly values: Float32Array;
  readonly grid?: Grid;
}

/** A model's weights while they are worked on. */
export class Tensors {
  readonly artifacts: ModelArtifacts;
  readonly weights: readonly Weight[];
  /** Those that the model computes with as floats, and that can lie on steps: infinite limits and such are kept. */
  readonly floats: readonly Weight[];
  /** The values of `floats`; what is folded is changed here. */
  readonly values: Map<string, Float32Array>;
  /** Large tensors that are the same as an earlier one, with its name: they are quantised as one and stored once. */
  readonly twins: ReadonlyMap<string, string>;

  readonly #codecs: Pick<EncodeOptions, 'codecs'>;

  /**
   * @param codecs - Those that the file may be written with. Default: all.
   * @throws EspalierError `bad-model`
   */
  constructor(artifacts: ModelArtifacts, model: Executable, codecs: Pick<EncodeOptions, 'codecs'> = {}) {
    this.artifacts = artifacts;
    this.#codecs = codecs;
    this.weights = readWeights(artifacts);
    this.floats = this.weights.filter(
      ({ name, values }) => values instanceof Float32Array && model.weights.has(name) && fitsSteps(values),
    );
    this.values = new Map(this.floats.map(({ name, values }) => [name, values as Float32Array]));
    this.twins = findTwins(this.floats);
  }

  /** Names of tensors with values that are not numbers, which would explain outputs that are none. */
  get broken(): string[] {
    const isBroken = ({ values }: Weight): boolean =>
      values instanceof Float32Array && values.some(Number.isNaN);
    return this.weights.filter(isBroken).map(({ name }) => name);
  }

  /** How many numbers there are. */
  get elements(): number {
    return this.weights.reduce((n, { values }) => n + (values?.length ?? 0), 0);
  }

  /** How a tensor was rounded, itself or as the one that it is the same as. */
  roundedOf<T>(name: string, rounded: ReadonlyMap<string, T>): T | undefined {
    return rounded.get(this.twins.get(name) ?? name);
  }

  /** The model with what is folded, and with these tensors rounded. */
  artifactsWith(rounded: ReadonlyMap<string, Changed>): ModelArtifacts {
    const changed = new Map<string, Float32Array>();
    for (const { name, values } of this.weights) {
      const own = this.roundedOf(name, rounded)?.values ?? this.values.get(name);
      if (own !== undefined && own !== values) changed.set(name, own);
    }
    return withValues(this.artifacts, this.weights, changed);
  }

  /** The file; whoever keeps it decodes it with `decodeChecked`. */
  encode(
    rounded: ReadonlyMap<string, Changed>,
    effort: number,
    budgetMs: number = Number.POSITIVE_INFINITY,
  ): Uint8Array {
    const grids: Record<string, Grid> = {};
    for (const { name } of this.weights) {
      const grid = this.roundedOf(name, rounded)?.grid;
      if (grid) grids[name] = grid;
    }
    return encode(this.artifactsWith(rounded), { ...this.#codecs, effort, grids, budgetMs, verify: false });
  }
}

function findTwins(floats: readonly Weight[]): Map<string, string> {
  const twins = new Map<string, string>();
  const seen = new Map<string, Weight[]>();
  for (const weight of floats) {
    const { name, shape } = weight;
    const values = weight.values as Float32Array;
    if (shape.length < 2 || values.length < leastTwin) continue;
    const key = `${shape} ${values.slice(0, 8)}`;
    const alike = seen.get(key) ?? [];
    const first = alike.find((other) => (other.values as Float32Array).every((v, i) => v === values[i]));
    if (first) twins.set(name, first.name);
    else seen.set(key, [...alike, weight]);
  }
  return twins;
}
