import type { Flow } from '../flow.js';
import { nameOf } from '../places.js';
import type { Rule, Site, Trace } from '../trace.js';

/** A layer through which channels cannot be followed: what enters and what leaves stays as it is. */
export function closed(site: Site, inputs: readonly Flow[], trace: Trace, why: string): readonly Flow[] {
  const reason = `${nameOf(site.path)} (${site.layer.getClassName()}) ${why}`;
  for (const { atoms } of inputs) trace.atoms.protect(atoms, reason);
  return site.outputShapes.map((shape) => trace.closed(shape, reason));
}

/** A rule that refuses, with a reason. */
export function refuse(why: string): Rule {
  return (site, inputs, trace) => closed(site, inputs, trace, why);
}

/** Only for tensors whose channels are their last dimension. */
export function channelsLast(rule: Rule): Rule {
  return (site, inputs, trace) =>
    site.layer.dataFormat === 'channelsFirst'
      ? closed(site, inputs, trace, "has data format 'channelsFirst'")
      : rule(site, inputs, trace);
}
