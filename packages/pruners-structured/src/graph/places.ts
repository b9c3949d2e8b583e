import { EspalierError, pathName } from '@espalier/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { inside, isModel } from './inside.js';

/** Stand for the layer or cell inside a wrapper in a path. */
export const within = { layer: '(layer)', cell: '(cell)' } as const;

/** Names from the model down to a layer; `within` stands for what a wrapper wraps. */
export type Path = readonly string[];

/** A path as parameter names write it. */
export function nameOf(path: Path): string {
  return pathName(path.filter((part) => part !== within.layer && part !== within.cell));
}

/**
 * Where the layers of a model stand, those inside nested models and wrappers included: the models around them are part
 * of the name, so that two of one name are told apart. The graph does not tell: a sequential model that begins with a
 * model has that one's own tensors as inputs.
 */
export class Places {
  readonly #paths = new Map<layers.Layer, Path>();
  /** Layers that stand in the model more than once, as two places of its JSON. */
  readonly #twice: [Path, Path][] = [];

  constructor(model: LayersModel) {
    this.#note(model.layers, []);
  }

  #note(own: readonly layers.Layer[], path: Path): void {
    for (const layer of own) this.#at(layer, [...path, layer.name]);
  }

  #at(layer: layers.Layer, path: Path): void {
    const before = this.#paths.get(layer);
    if (before !== undefined) this.#twice.push([before, path]);
    else this.#paths.set(layer, path);
    const it = inside(layer);
    if (isModel(it)) this.#note(it.layers!, path);
    // Of a bidirectional wrapper it is only the pattern.
    else if (it.layer !== undefined && it.forwardLayer === undefined)
      this.#at(it.layer, [...path, within.layer]);
  }

  of(layer: layers.Layer): Path | undefined {
    return this.#paths.get(layer);
  }

  /**
   * Refuses a layer that a model holds twice (calls of one layer are another matter): written as JSON it becomes two,
   * which no longer share their weights.
   *
   * @throws EspalierError `unsupported-layer`
   */
  checkOnce(): void {
    if (this.#twice.length === 0) return;
    const [first, second] = this.#twice[0].map(nameOf);
    const what =
      first === second ? `${first} stands in the model twice` : `${first} and ${second} are one layer`;
    throw new EspalierError('unsupported-layer', `${what}: saved, it would be two.`, {
      remedy: 'Hold it once, and call it where it is used (tf.model), or make a copy of it.',
    });
  }
}
