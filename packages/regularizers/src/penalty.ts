import type { KnownPenalty, Of, Parameter, Plugin, RegularizerSession, Step } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { withoutGone } from './internal/without-gone.js';

/** A session that looks at the weights alone; with a threshold it prunes as well. */
export interface WeightPenaltySession extends RegularizerSession {
  /** The penalty and its gradients, of which the caller owns all tensors; the moment counts where λ depends on it. */
  penalty(step?: Pick<Step, 'at'>): KnownPenalty;
  masks?(): Map<Parameter, tf.Tensor>;
}

/** A regularizer that looks at the weights alone; with a threshold it is a pruner as well. */
export type WeightPenalty = Plugin<WeightPenaltySession>;

/** How a session of a weight penalty acts on a selection. */
export interface Acting {
  readonly penalty: (at?: Step['at']) => KnownPenalty;
  readonly masks?: (() => Map<Parameter, tf.Tensor>) | undefined;
}

/** A weight penalty by what its sessions do. `acting` throws on what it cannot honour. */
export function weightPenalty(name: string, prunes: boolean, acting: (of: Of) => Acting): WeightPenalty {
  return {
    name,
    kinds: prunes ? ['regularizer', 'pruner'] : ['regularizer'],
    check: (_, of) => void acting(of),
    start(run, of) {
      const { penalty, masks } = acting(of);
      return {
        penalty: (step) => penalty(step?.at),
        ...(masks && { masks: () => withoutGone(run, masks()) }),
      };
    },
  };
}
