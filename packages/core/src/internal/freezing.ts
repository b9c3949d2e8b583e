import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EspalierError, unknownName } from '../errors.js';
import type { Parameter } from '../parameter.js';
import type { RunState } from '../run-state.js';
import { isNamedBy, type Selector } from '../selector.js';

/** Is it meant, by its own name or by that of a layer that it belongs to? */
const takesIn = (pattern: string, parameter: Parameter): boolean =>
  isNamedBy(pattern, parameter) || isNamedBy(`${pattern}/**`, parameter);

/**
 * The parameters of layers that are not trained, by the names or globs of layers (`conv1`, `block_*`), or of parameters; a leading
 * `!` takes away.
 *
 * @throws EspalierError `unknown-name` for what names nothing, with the nearest layer; `invalid-option` where nothing is left to train
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { frozenParameters, parametersOf } from '@espalier/core';
 * const { dense } = tfl.layers;
 * const model = tfl.sequential({
 *   layers: [dense({ name: 'body', units: 3, inputShape: [2] }), dense({ name: 'head', units: 1 })],
 * });
 * const frozen = frozenParameters(parametersOf(model), ['**', '!head']);
 * if (frozen.map(({ name }) => name).join() !== 'body/kernel,body/bias') throw new Error('unexpected');
 * ```
 */
export function frozenParameters(parameters: readonly Parameter[], selector: Selector): Parameter[] {
  const frozen = chosen(parameters, selector);
  if (parameters.some((p) => p.trainable && !frozen.has(p))) return parameters.filter((p) => frozen.has(p));
  throw new EspalierError('invalid-option', 'freeze leaves nothing to train.', {
    remedy: "Take some layers out of it, the last ones say: freeze: ['!head'].",
  });
}

/** @throws EspalierError `bad-model` when all of a model is frozen, before TF.js says it in its own words */
export function checkTrainable(parameters: readonly Parameter[], others: number): void {
  if (others > 0 || parameters.some((p) => p.trainable)) return;
  throw new EspalierError('bad-model', 'All layers of the model are frozen: there is nothing to train.', {
    remedy: 'Set trainable of those that are to be trained; in a recipe, model: { from: … } does so for all.',
  });
}

function chosen(parameters: readonly Parameter[], selector: Selector): ReadonlySet<Parameter> {
  if (typeof selector === 'function') return new Set(parameters.filter(selector));
  const patterns = typeof selector === 'string' ? [selector] : selector;
  const found = new Set<Parameter>();
  if (patterns.every((pattern) => pattern.startsWith('!'))) for (const p of parameters) found.add(p);
  for (const pattern of patterns) {
    const name = pattern.replace(/^!/, '');
    const matches = parameters.filter((p) => takesIn(name, p));
    if (matches.length === 0) {
      const layers = new Set(parameters.map((p) => p.name.slice(0, p.name.lastIndexOf('/'))));
      throw unknownName('layer', name, [...layers]);
    }
    for (const match of matches) pattern.startsWith('!') ? found.delete(match) : found.add(match);
  }
  return found;
}

interface Normalising {
  call(inputs: unknown, kwargs: Record<string, unknown>): unknown;
}

/**
 * Lets batch normalisations whose statistics are frozen, or that came frozen (`trainable: false`), go by these, as at inference,
 * instead of moving them on, as TF.js does. Returns what undoes it.
 */
export function holdStatistics({ parameters }: RunState, frozen: ReadonlySet<Parameter>): () => void {
  const layers = new Set<LayersModel['layers'][number]>();
  for (const p of parameters) {
    if (p.role === 'statistic' && (frozen.has(p) || !p.layer.trainable)) layers.add(p.layer);
    // Of a layer in a frozen model its weights know.
    if (p.role !== 'statistic' && !p.trainable) layers.add(p.layer);
  }
  const held = [...layers].filter((layer) => layer.getClassName() === 'BatchNormalization');
  for (const layer of held) {
    const own = layer as unknown as Normalising;
    const { call } = own;
    own.call = (inputs, kwargs) => call.call(layer, inputs, { ...kwargs, training: false });
  }
  return () => {
    for (const layer of held) delete (layer as unknown as Partial<Normalising>).call;
  };
}
