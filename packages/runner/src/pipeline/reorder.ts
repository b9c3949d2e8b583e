import { type ModelArtifacts, reorderUnits } from '@espalier/codec';
import type { Listener } from './listener.js';

/**
 * The model with its hidden units in an order that packs smaller, and a word on what was moved and what was left.
 *
 * @throws EspError 'input' when the model is not Sequential
 */
export function reorder(artifacts: ModelArtifacts, listener: Listener): ModelArtifacts {
  const { artifacts: ordered, reordered, skipped } = reorderUnits(artifacts);
  listener.info(`Reordered the units of ${reordered.join(', ') || 'no layer'}`);
  for (const { layer, reason } of skipped) listener.info(`Left ${layer} in its order: ${reason}`);
  return ordered;
}
