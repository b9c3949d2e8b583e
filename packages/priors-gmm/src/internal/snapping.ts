import {
  dequantize,
  EspalierError,
  type Of,
  type Parameter,
  type Plugin,
  type PluginState,
  type QuantizedTensor,
  type QuantizerSession,
  type RunState,
  readNow,
} from '@espalier/core';
import { mergeComponents } from '../components.js';
import { owner, type Resolved } from '../options.js';
import { weightsOf } from './mixtures.js';
import { mixtureFrom } from './numbers.js';
import { snap } from './snap.js';
import { checkMembers, knownFrom, membersOf, stateOf } from './state.js';

/** The quantizer of a prior: brings every weight to the mean of its component, as a session's state has them. */
export function snapping(options: Resolved): Plugin<QuantizerSession> {
  return {
    name: owner,
    kinds: ['quantizer'],
    start: (run, of, state) => snappingSession(run, of, state, options),
  };
}

function snappingSession(
  run: RunState,
  of: Of,
  state: PluginState | undefined,
  options: Resolved,
): QuantizerSession {
  const known = state && knownFrom(state, options);
  if (known?.examples === undefined) {
    throw new EspalierError('bad-state', `${owner} is used as a quantizer before it was trained.`, {
      remedy:
        'Train with the prior first, and give the quantizer what `await session.save()` gave; in a recipe, name the ' +
        "prior under 'plugins' so that both stages use the same.",
    });
  }
  checkMembers(of, known.groups);
  const { merge, assign, values } = options.snap;
  const { album } = known;
  const wanted = new Set(of.map(({ name }) => name));
  const groups = known.groups.map((saved) => ({
    name: saved.name,
    parameters: membersOf(run, saved),
    mixture: mixtureFrom(saved.numbers, options),
  }));
  return {
    quantize: (_at, read = readNow) =>
      read(
        () =>
          groups.map(({ parameters }) => ({
            weights: weightsOf(parameters),
            masks: parameters.map((parameter) => run.mask(parameter)),
          })),
        (seen) => {
          const found = new Map<Parameter, QuantizedTensor>();
          for (const [g, { name, parameters, mixture }] of groups.entries()) {
            const { weights: before, masks } = seen[g];
            const { merged } = mergeComponents(mixture, merge);
            const after = parameters.map((parameter, i) => {
              if (!wanted.has(parameter.name)) return before[i];
              const tensor = snap(merged, before[i], assign, values, masks[i]);
              found.set(parameter, tensor);
              return dequantize(tensor);
            });
            album.retrained(name, before, mixture);
            album.frame(name, 'post-processed', after, merged);
            album.series(name, 'retrained', before);
            album.series(name, 'post-processed', after);
          }
          return found;
        },
      ),
    figures: () => album.figures(),
    save: () => stateOf(known),
  };
}
