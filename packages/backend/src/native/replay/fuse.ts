import type { ProgramCall } from './simplify.js';
import type { Source } from './trace.js';

const NORM = 'EspalierBatchNorm';
const NORM_GRADIENT = 'EspalierBatchNormGrad';
/** What may follow, and its gradient: the addon has the pairs as one op, under both names. */
const ACTIVATIONS: ReadonlyMap<string, string> = new Map([
  ['Relu', 'ReluGrad'],
  ['Relu6', 'Relu6Grad'],
]);

/** Updates of weights, which the addon has of the sum of two gradients and of a gradient behind a mask, too. */
const UPDATES: ReadonlySet<string> = new Set(['EspalierAdam', 'EspalierMomentum', 'EspalierDescent']);

type Users = (source: Source) => readonly ProgramCall[];

/**
 * Takes calls together where the addon has one op for both, which comes to the same bits: passes over memory less.
 *
 * @param results - Sources that leave the step: they stay.
 */
export function fuse(calls: readonly ProgramCall[], results: ReadonlySet<Source>): ProgramCall[] {
  return withGradients(withActivations(calls, usersOf(calls), results), results);
}

function usersOf(calls: readonly ProgramCall[]): Users {
  const users = new Map<Source, ProgramCall[]>();
  for (const call of calls) {
    for (const source of call.inputs) users.set(source, [...(users.get(source) ?? []), call]);
  }
  return (source) => users.get(source) ?? [];
}

/** Takes what makes a gradient, a mask and the sum of a loss's and a penalty's, into the update by it (addon/update-ops.cc). */
function withGradients(calls: readonly ProgramCall[], results: ReadonlySet<Source>): ProgramCall[] {
  const users = usersOf(calls);
  const made = new Map<Source, { readonly call: ProgramCall; readonly shape: string }>();
  for (const call of calls) {
    for (const [k, shape] of call.shapes.entries())
      made.set(`call ${call.index} ${k}`, { call, shape: String(shape) });
  }
  const taken = new Set<ProgramCall>();
  /** The call that makes a gradient for its one user out of tensors of the gradient's shape. */
  const makerOf = (gradient: Source, op: string): ProgramCall | undefined => {
    const maker = made.get(gradient);
    if (maker?.call.op !== op || results.has(gradient) || users(gradient).length > 1) return undefined;
    return maker.call;
  };
  const updates = calls.map((call): ProgramCall => {
    if (!UPDATES.has(call.op)) return call;
    const before = call.inputs.slice(0, -1);
    const masked = makerOf(call.inputs.at(-1)!, 'EspalierMask');
    const [whole, ...mask] = masked?.inputs ?? [call.inputs.at(-1)!];
    const sum = makerOf(whole, 'Add');
    const alike = sum?.inputs.every((input) => made.get(input)?.shape === made.get(whole)?.shape);
    const gradients = sum && alike ? sum.inputs : [whole];
    for (const one of [masked, gradients.length > 1 ? sum : undefined]) if (one) taken.add(one);
    if (!masked && gradients.length === 1) return call;
    const op = `${call.op}${gradients.length > 1 ? 'OfSum' : ''}${masked ? 'Masked' : ''}`;
    return { ...call, op, inputs: [...before, ...gradients, ...mask] };
  });
  return updates.filter((call) => !taken.has(call));
}

/**
 * Takes a ReLU that follows a batch normalisation into its op, and the ReLU's gradient into that of the normalisation, which then
 * works out for itself where the ReLU was open: one tensor less to keep, too (addon/batch-norm-ops.cc).
 */
function withActivations(
  calls: readonly ProgramCall[],
  usersOf: Users,
  results: ReadonlySet<Source>,
): ProgramCall[] {
  const instead = new Map<ProgramCall, ProgramCall | undefined>();
  const renamed = new Map<Source, Source>();
  for (const norm of calls) {
    if (norm.op !== NORM) continue;
    const y = outputOf(norm);
    const activation = usersOf(y).find(({ op }) => ACTIVATIONS.has(op));
    if (activation === undefined || results.has(y) || results.has(outputOf(activation))) continue;
    const back = usersOf(y).filter((call) => call !== activation);
    const gradients = back.map((call) => gradientOf(norm, activation, call, usersOf, results));
    if (gradients.some((gradient) => gradient === undefined)) continue;
    instead.set(norm, { ...norm, op: `${norm.op}${activation.op}` });
    instead.set(activation, undefined);
    renamed.set(outputOf(activation), y);
    for (const [i, gradient] of (gradients as ProgramCall[]).entries()) {
      const inputs = [back[i].inputs[0], ...gradient.inputs.slice(1)];
      instead.set(back[i], undefined);
      instead.set(gradient, { ...gradient, op: `${gradient.op}${activation.op}`, inputs });
    }
  }
  return calls.flatMap((call) => {
    const now = instead.has(call) ? instead.get(call) : call;
    return now ? { ...now, inputs: now.inputs.map((source) => renamed.get(source) ?? source) } : [];
  });
}

const outputOf = ({ index }: ProgramCall): Source => `call ${index} 0`;

/** The gradient of a normalisation, where it alone is given what a call, the activation's gradient, makes; else undefined. */
function gradientOf(
  norm: ProgramCall,
  activation: ProgramCall,
  call: ProgramCall,
  usersOf: Users,
  results: ReadonlySet<Source>,
): ProgramCall | undefined {
  const [dy, y] = call.inputs;
  if (call.op !== ACTIVATIONS.get(activation.op) || y !== outputOf(norm) || dy === y) return undefined;
  const [gradient, ...others] = usersOf(outputOf(call));
  if (gradient?.op !== NORM_GRADIENT || others.length > 0 || results.has(outputOf(call))) return undefined;
  const [x, scale, offset, epsilon] = norm.inputs;
  const wanted = [outputOf(call), x, scale, offset, `call ${norm.index} 1`, `call ${norm.index} 2`, epsilon];
  return String(gradient.inputs) === String(wanted) ? gradient : undefined;
}
