import { entropyOf } from '../numbers/entropy.js';
import type { Predictor } from '../plan/predictor.js';
import type { Plan } from '../plan/tensor-plan.js';
import { roundPlain, toCodebook } from '../round/snap.js';
import type { Stage } from '../time-budget.js';
import { codedBytes, entropyBytes, repeatedBytes } from './coded-bytes.js';
import { errorOfSums, type Method, quantize, type Rounded } from './quantize.js';

/** Weights of a tensor that say whether a codebook is worth trying, and how many it takes for one. */
const sampled = 4096;
const leastForCodebook = 128;

/**
 * Chooses how each tensor is quantised at about this fineness, by coded bytes and measured error: on steps with rows that
 * make up for each other; plainly, where that leaves repetitions that a coder finds; by a codebook, where the weights keep
 * to few places; by prediction, where they are smooth along an axis.
 */
export function chooseMethods(plans: readonly Plan[], fineness: number, stage?: Stage): Map<string, Method> {
  const methods = new Map<string, Method>();
  const usual = quantize(plans, fineness, new Map());
  for (const plan of plans) {
    const { weight, linear } = plan;
    if (!(stage?.fits(plan.values.length) ?? true)) continue;
    const first = usual.get(weight.name) as Rounded;
    if (plan.predictor && predictionIsSmaller(plan, plan.predictor, fineness, first)) {
      methods.set(weight.name, 'predicted');
      continue;
    }
    let least = entropyBytes(plan, first);
    if (linear) {
      const plain = only(plan, fineness, 'plain');
      const repeated = repeatedBytes(plan, plain);
      // What nothing makes up for is dear: repetitions have to pay for finer steps, too.
      const dear = (): number => finer(plan, errorOfSums(plan, plain.values), first.error);
      if (repeated < least && repeated + dear() < least) {
        methods.set(weight.name, 'plain');
        least = repeated;
      }
    }
    if (!codebookSeemsBetter(plan, first.error, least)) continue;
    const current = methods.has(weight.name) ? only(plan, fineness, 'plain') : first;
    const other = only(plan, fineness, 'codebook');
    const spared = worth(plan, first.error - other.error, first.error);
    if (codedBytes(plan, other) - spared < codedBytes(plan, current)) methods.set(weight.name, 'codebook');
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

/** Bytes that finer steps take which err by `less` instead of `error`, at half a bit for each octave of it. */
function finer({ values }: Plan, error: number, less: number): number {
  return less > 0 && error > 0 ? (values.length / 16) * Math.log2(error / less) : 0;
}

/**
 * Bytes that are worth so much less error: what the other tensors would save if they made it. At the best steps each tensor
 * would pay -dR/dD = N / (2 ln 2 D) bits for a unit of error (Cover and Thomas, 2006, 10.3.3).
 */
function worth({ values }: Plan, less: number, error: number): number {
  return error > 0 ? (values.length / (16 * Math.LN2)) * (less / error) : 0;
}

/** By a sample's codebook: the entropy of its indices and the entries themselves. */
function codebookSeemsBetter(plan: Plan, error: number, bytes: number): boolean {
  if (plan.values.length < leastForCodebook) return false;
  const { codebooks, values, part } = plan.codebooks.sample(sampled);
  const book = codebooks.within(error * part);
  if (!book) return false;
  const rounded = roundPlain(values, toCodebook(book));
  const spared = worth(plan, error - codebooks.errorOf(values, rounded) / part, error);
  return entropyOf(rounded) / part + 4 * book.length - spared < 1.02 * bytes;
}
