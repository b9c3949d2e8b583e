import { isObject, type Json } from '../tfjs/json.js';
import type { Findings } from './layer-config.js';

/** A tensor of a graph: layer, which of its calls, which of its outputs, and arguments. */
type History = readonly [string, number, number, { readonly [key: string]: Json }];

/** Layers that take several inputs. As an operation, `a + b`, each is an argument of its own. */
export const merges: readonly string[] = ['Add', 'Multiply', 'Maximum', 'Minimum'];

/** Layers that take states behind their input. */
const recurrent = ['LSTM', 'GRU', 'SimpleRNN', 'RNN', 'ConvLSTM2D', 'Bidirectional'];

/** Layer, call and output, as all descriptions of graphs have them. */
const isPlace = (value: Json | undefined): value is readonly [string, number, number] =>
  Array.isArray(value) &&
  typeof value[0] === 'string' &&
  Number.isSafeInteger(value[1]) &&
  Number.isSafeInteger(value[2]);

const isTensor = (
  value: Json,
): value is { readonly config: { readonly keras_history: readonly [string, number, number] } } =>
  isObject(value) &&
  value.class_name === '__keras_tensor__' &&
  isObject(value.config) &&
  isPlace(value.config.keras_history);

function tensorsIn(value: Json, findings: Findings): History[] {
  if (Array.isArray(value)) return value.flatMap((one: Json) => tensorsIn(one, findings));
  if (isTensor(value)) return [[...value.config.keras_history, {}]];
  if (!isObject(value)) return [];
  if (value.class_name === '__keras_tensor__') findings.unknown.add('tensor without a history');
  return sorted(value).flatMap((one) => tensorsIn(one, findings));
}

/** Keras takes the entries of a dictionary by their names. */
function sorted(value: { readonly [key: string]: Json }): Json[] {
  return Object.keys(value)
    .sort()
    .map((key) => value[key]);
}

const isEmpty = (value: Json): boolean =>
  value === null || value === false || (Array.isArray(value) && value.every(isEmpty));

/**
 * The calls of a layer as Keras 2 lists them, `[[layer, node, tensor, {}], …]` a call. Those of Keras 3 are dictionaries of
 * arguments. What TF.js would not hand to the layer goes to `findings`.
 */
export function callsOf(calls: Json | undefined, className: string, findings: Findings): Json {
  if (!Array.isArray(calls)) return [];
  return calls.map((call: Json): Json => {
    if (!isObject(call)) return call;
    const { args, kwargs } = call;
    const each: readonly Json[] = Array.isArray(args) ? args : [];
    const operands = merges.includes(className) && each.length > 1 && each.every(isTensor);
    const [first = null, ...more] = operands ? [each] : each;
    const named = Object.entries(isObject(kwargs) ? kwargs : {});
    const inputs = tensorsIn(first, findings);
    if (inputs.length === 0) {
      // The input may be named, too.
      for (const [i, [, value]] of named.entries()) {
        if (tensorsIn(value, findings).length === 0) continue;
        inputs.push(...tensorsIn(value, findings));
        named.splice(i, 1);
        break;
      }
    }
    if (inputs.length === 0) findings.unknown.add(`call of ${className} without inputs`);
    for (const [name, value] of [...more.map((value, i): [string, Json] => [`${i + 2}`, value]), ...named]) {
      if (isEmpty(value)) continue;
      const states = recurrent.includes(className) && (name === 'initial_state' || name === '2');
      if (states && tensorsIn(value, findings).length > 0) inputs.push(...tensorsIn(value, findings));
      else findings.unknown.add(`argument ${name} in calls of ${className}`);
    }
    return inputs as unknown as Json;
  });
}

/** In TF.js a model in a model has one call more: the first is its own making, as in Keras 2. */
export function shifted(histories: Json, models: ReadonlySet<string>): Json {
  if (!Array.isArray(histories)) return histories;
  const [layer, node, ...rest] = histories;
  if (typeof layer === 'string' && typeof node === 'number') {
    return models.has(layer) ? [layer, node + 1, ...rest] : histories;
  }
  return histories.map((one: Json) => shifted(one, models));
}

/** `[[layer, node, tensor], …]` of the ends of a graph: Keras 3 writes one alone, or by name. */
export function endsOf(ends: Json | undefined): Json {
  if (isObject(ends)) return sorted(ends).flatMap((one) => endsOf(one) as Json[]);
  if (!Array.isArray(ends)) return [];
  return typeof ends[0] === 'string' ? [ends] : ends.flatMap((one: Json) => endsOf(one) as Json[]);
}
