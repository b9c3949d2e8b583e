import { EspalierError } from '../errors.js';
import { type Plugin, trains } from '../plugin.js';
import { checkPlugin } from '../running.js';
import { Bench, type ConformanceOptions } from './bench.js';
import { rules } from './rules.js';
import { toyData, toyModel } from './toy.js';

export type { ConformanceOptions } from './bench.js';

/**
 * Tries on a plugin what has to be true of every one: that it describes and never changes, that its sessions start, act,
 * save, go on and end as the trainer expects, without a tensor left, the same for the same seed. Takes some seconds on
 * the cpu backend; works in any test runner.
 *
 * @returns The rules that were tried, as sentences.
 * @throws EspalierError `not-conforming` with every rule that is broken, `bad-plugin`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import type { Pruner } from '@espalier/core';
 * import { conformance } from '@espalier/core/conformance';
 * const negative: Pruner = {
 *   name: 'negative',
 *   kinds: ['pruner'],
 *   start: (_run, of) => ({
 *     masks: () => new Map(of.map((p) => [p, tf.tidy(() => tf.cast(tf.greaterEqual(p.variable, 0), 'float32'))])),
 *   }),
 * };
 * await conformance(negative);
 * ```
 */
export async function conformance(
  plugin: Plugin,
  options: ConformanceOptions = {},
): Promise<readonly string[]> {
  checkPlugin(plugin);
  const bench = new Bench(plugin, { model: toyModel, data: toyData, ...options });
  const before = Object.entries(plugin);
  const tried: string[] = [];
  const faults: string[] = [];
  for (const { name, concerns, try: attempt } of rules) {
    if (!(concerns === undefined ? trains(plugin) : concerns(bench))) continue;
    tried.push(name);
    try {
      await attempt(bench);
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`);
    }
  }
  const after = new Map(Object.entries(plugin));
  tried.push('a plugin never changes');
  const changed = before.filter(([key, value]) => after.get(key) !== value).map(([key]) => key);
  if (changed.length > 0 || after.size !== before.length) {
    faults.push(`a plugin never changes: ${changed.join(', ') || 'it has other keys'} did`);
  }
  if (faults.length === 0) return tried;
  throw new EspalierError(
    'not-conforming',
    `${plugin.name} is not as plugins are:\n  - ${faults.join('\n  - ')}`,
  );
}
