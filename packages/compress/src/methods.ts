import { encode, inspect } from '@espalier/codec';
import type { Plan } from './plan.js';
import type { Predictor } from './predictor.js';
import { errorAt, type Method, quantize, type Rounded } from './quantize.js';
import { toCodebook } from './round.js';

/** Weights of a tensor that say whether a codebook is worth trying, and how many it takes for one. */
const sampled = 4096;
const leastForCodebook = 128;

/** How hard the coder searches when two ways are compared. */
const effort = 3;

/**
 * Chooses how each tensor is quantised at about this fineness, by coded bytes at the same error: on steps with rows that
 * make up for each other; plainly, where that leaves repetitions that a coder finds; by a codebook, where the weights keep
 * to few places; by prediction, where they are smooth along an axis.
 */
export function chooseMethods(plans: readonly Plan[], fineness: number): Map<string, Method> {
  const methods = new Map<string, Method>();
  const usual = quantize(plans, fineness, new Map());
  for (const plan of plans) {
    const { weight, linear } = plan;
    const first = usual.get(weight.name) as Rounded;
    if (plan.predictor && predictionIsSmaller(plan, plan.predictor, fineness, first)) {
      methods.set(weight.name, 'predicted');
      continue;
    }
    let least = entropyBytes(plan, first);
    if (linear) {
      const plain = only(plan, fineness, 'plain');
      const repeated = codedBytes(plan, plain, ['lz']);
      if (repeated < least) {
        methods.set(weight.name, 'plain');
        least = repeated;
      }
    }
    if (!codebookSeemsBetter(plan, fineness, least)) continue;
    const current = methods.has(weight.name) ? only(plan, fineness, 'plain') : first;
    const other = only(plan, fineness, 'codebook');
    if (codedBytes(plan, other) < codedBytes(plan, current)) methods.set(weight.name, 'codebook');
  }
  return methods;
}

function only(plan: Plan, fineness: number, method: Method): Rounded {
  const { name } = plan.weight;
  return quantize([plan], fineness, new Map([[name, method]])).get(name) as Rounded;
}

/** Does a prediction of the best order take fewer bytes? */
function predictionIsSmaller(plan: Plan, predictor: Predictor, fineness: number, usual: Rounded): boolean {
  return predictor.choose(codedBytes(plan, usual), () => codedBytes(plan, only(plan, fineness, 'predicted')));
}

/** By a sample's codebook: the entropy of its indices and the entries themselves. */
function codebookSeemsBetter(plan: Plan, fineness: number, bytes: number): boolean {
  if (plan.values.length < leastForCodebook) return false;
  const { codebooks, values, part } = plan.codebooks.sample(sampled);
  const book = codebooks.within(errorAt(plan, fineness) * part);
  if (!book) return false;
  return entropyOf(values.map(toCodebook(book))) / part + 4 * book.length < 1.02 * bytes;
}

/** Bytes of a tensor in the file, as far as its values decide. */
export function codedBytes({ weight }: Plan, { values, grid }: Rounded, codecs?: readonly ['lz']): number {
  const artifacts = {
    weightSpecs: [{ name: 'w', shape: [...weight.shape], dtype: 'float32' as const }],
    weightData: values.slice().buffer,
  };
  if (codecs) return inspect(encode(artifacts, { effort: 2, codecs })).tensors[0].storedBytes;
  return encode(artifacts, { effort, ...(grid && { grids: { w: grid } }) }).length;
}

/** Bytes that the values take by how often each level occurs. */
export function entropyBytes({ wish, level }: Plan, { values, grid, method }: Rounded): number {
  if (!grid) return entropyOf(values);
  const steps = (method === 'plain' ? (level ?? wish) : wish).steps(grid);
  return entropyOf(values.map((value, i) => Math.round(value / steps[i])));
}

/** Bytes, by how often each number occurs. */
function entropyOf(numbers: Float32Array): number {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / numbers.length);
  return bits / 8;
}
