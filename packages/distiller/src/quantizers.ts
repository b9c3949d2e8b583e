import { shown } from '@espalier/core';
import type { Context } from './arguments.js';
import type { Component } from './parse.js';
import { listed, type Use } from './use.js';

type Bits = number | null | undefined;

/** Distiller's full precision: null, or 32 bits and more. */
const isFull = (bits: Bits): boolean => bits === null || bits === undefined || bits >= 32;

function bitsAt(component: Component, key: string, value: unknown, { schedule }: Context): Bits {
  if (value === undefined || value === null) return value;
  if (Number.isInteger(value) && (value as number) >= 1) return value as number;
  return schedule.refuse([...component.path, key], `${key} is ${shown(value)}: a number of bits is wanted.`);
}

/** What each quantizer does to weights while training, which has no counterpart here. */
const training: Readonly<Record<string, string>> = {
  DorefaQuantizer:
    'DoReFa rounds tanh-scaled weights in every step, and has no level at 0, so that it undoes pruning',
  PACTQuantizer: 'PACT rounds weights as DoReFa does in every step, and learns where to clip activations',
  WRPNQuantizer: 'WRPN rounds clipped weights in every step',
  QuantAwareTrainRangeLinearQuantizer: 'the weights are rounded to their range in every step',
};

/** Layers that have no weights, as overrides name them. */
const isActivation = (name: string): boolean =>
  /relu|tanh|sigmoid|act\b|activation|pool|add|concat/i.test(name);

/**
 * A quantizer as a stage: the weights share 2^bits values, found after training. Activations stay float: models
 * here run in TF.js, which has no integer arithmetic to gain from.
 */
export function quantizeUse(component: Component, context: Context): Use | undefined {
  const { className, args, path } = component;
  const { notes } = context.schedule;
  const { names } = context;
  const key =
    args.bits_weights === undefined && args.bits_parameters !== undefined
      ? 'bits_parameters'
      : 'bits_weights';
  const post = className === 'PostTrainLinearQuantizer';
  const fallback = post ? 8 : className === 'QuantAwareTrainRangeLinearQuantizer' ? 32 : undefined;
  const bits = args[key] === undefined ? fallback : bitsAt(component, key, args[key], context);
  const activations = args.bits_activations === undefined ? (post ? 8 : undefined) : args.bits_activations;
  if (!isFull(activations as Bits)) {
    notes.add(
      'lost',
      path,
      `${String(activations)}-bit activations have no counterpart here: they stay float.`,
      true,
    );
  }
  if (!isFull(bitsAt(component, 'bits_bias', args.bits_bias, context))) {
    notes.add(
      'lost',
      [...path, 'bits_bias'],
      'quantised biases have no counterpart here: they stay float.',
      true,
    );
  }
  const lost = Object.keys(args).filter(
    (k) => !['bits_activations', 'bits_bias', 'overrides', key].includes(k),
  );
  for (const k of lost) {
    notes.add('lost', [...path, k], `'${k}' of ${className} has no counterpart here.`, true);
  }
  if (training[className] !== undefined) {
    notes.add(
      'changed',
      path,
      `${training[className]}; here training is in float, and the weights share ${isFull(bits) ? 'fewer' : `${2 ** bits!}`} values after it. Add a stage with epochs at the end to fine-tune them.`,
      true,
    );
  } else {
    notes.add(
      'changed',
      path,
      'a codebook of the best values takes the place of even steps: the same bits, less error.',
      true,
    );
  }
  const own = new Map<string, Bits>();
  const overrides = (args.overrides ?? {}) as Readonly<
    Record<string, Readonly<Record<string, unknown>> | null>
  >;
  for (const [module, override] of Object.entries(overrides)) {
    const at = [...path, 'overrides', module];
    const { bits_weights: weights, bits_parameters: parameters, ...rest } = override ?? {};
    const given = weights === undefined ? parameters : weights;
    if (Object.keys(rest).length > 0) {
      const what = Object.keys(rest).join(', ');
      notes.add('lost', at, `${what} of '${module}': activations and arithmetic stay float here.`, true);
    }
    if (given === undefined || isActivation(module)) continue;
    const glob = module.replaceAll('\\.', '.').replaceAll('.*', '*');
    if (/[+?()[\]|\\^$]|\*\*/.test(glob)) {
      notes.add(
        'lost',
        at,
        `the pattern '${module}' is beyond the globs of a recipe: list its layers by name.`,
        true,
      );
      continue;
    }
    const layer = names.layer(glob);
    if (!layer.includes('*') && names.hasLayer(layer) === false) {
      notes.add('lost', at, `the model has no layer '${layer}': this override is left out.`, true);
      continue;
    }
    own.set(`${layer}/kernel`, bitsAt(component, 'overrides', given, context));
  }
  const full = [...own].filter(([, b]) => isFull(b)).map(([name]) => `!${name}`);
  const different = [...own].filter(([, b]) => !isFull(b)) as [string, number][];
  if (isFull(bits) && different.length === 0) {
    notes.add(
      'lost',
      path,
      `${className} leaves the weights in float: nothing of it has a counterpart here.`,
      true,
    );
    return undefined;
  }
  const clusters = isFull(bits)
    ? Object.fromEntries(different.map(([name, b]) => [name, 2 ** b]))
    : different.length === 0
      ? 2 ** bits!
      : { ...Object.fromEntries(different.map(([name, b]) => [name, 2 ** b])), '**': 2 ** bits! };
  return {
    use: '@espalier/quantize-kmeans#kmeans',
    options: { clusters },
    parameters: listed([...(isFull(bits) ? different.map(([name]) => name) : ['**/kernel']), ...full]),
  };
}
