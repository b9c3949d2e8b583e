import type { Of, Parameter, PluginState, Read, RunState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import { Album } from './album.js';
import { Group } from './group.js';
import { initialNumbers } from './numbers.js';
import { checkMembers, type Known, knownFrom, membersOf } from './state.js';

/** The mixtures of a session that trains them, and what it goes on from. */
export interface Mixtures extends Pick<Known, 'album' | 'examples' | 'zeros'> {
  readonly groups: readonly Group[];
  /** τ of the last step of the session before, if there was one. */
  readonly tau: number | undefined;
}

/** Which parameters have one mixture, by the name of what shares it. */
function sharing(of: Of, share: Resolved['share']): [name: string, parameters: Parameter[]][] {
  const by = new Map<string, Parameter[]>();
  for (const parameter of of) {
    const { name } = parameter;
    const key = share === 'all' ? 'all' : share === 'parameter' ? name : name.slice(0, name.lastIndexOf('/'));
    by.set(key, [...(by.get(key) ?? []), parameter]);
  }
  return [...by];
}

/** New mixtures, started at the weights. @throws EspalierError `not-finite`, `invalid-option` */
export function newMixtures(of: Of, options: Resolved, read: Read): Mixtures | Promise<Mixtures> {
  const shared = sharing(of, options.share);
  return read(
    () => shared.map(([, parameters]) => weightsOf(parameters)),
    (seen) => {
      const album = new Album();
      const numbers = shared.map(([, parameters], i) => initialNumbers(parameters, seen[i], options));
      const groups = shared.map(([name, own], i) => new Group(name, own, numbers[i], options));
      for (const [i, group] of groups.entries()) {
        if (options.frames) album.open(group.name, seen[i], group.mixtureOf(numbers[i]));
      }
      return { groups, album, examples: options.examples, zeros: undefined, tau: undefined };
    },
  );
}

/** The mixtures that were saved. @throws EspalierError `bad-state` */
export function savedMixtures(run: RunState, of: Of, state: PluginState, options: Resolved): Mixtures {
  const known = knownFrom(state, options);
  checkMembers(of, known.groups);
  const groups = known.groups.map(
    (saved) => new Group(saved.name, membersOf(run, saved), saved.numbers, options),
  );
  return { ...known, groups };
}

/** The weights of parameters, to be read. */
export function weightsOf(parameters: Of): tf.Tensor[] {
  return parameters.map(({ variable }) => variable);
}
