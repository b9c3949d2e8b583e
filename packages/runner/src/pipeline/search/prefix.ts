import { isTrainStage, type Recipe } from '../../recipe/schema.js';

/**
 * How many stages at the front are the same for all trials and can be run once: those that train without
 * plugins and that no path touches. Paths to anything but stages and plugins touch everything.
 */
export function commonStages({ stages }: Recipe, paths: readonly string[]): number {
  const touched = new Set<number>();
  for (const path of paths) {
    const [first, second] = path.split('.');
    if (first === 'plugins' || first === 'encode') continue;
    if (first !== 'stages') return 0;
    const index = stages.findIndex(({ name }, i) => name === second || String(i) === second);
    touched.add(index);
  }
  let count = 0;
  while (count < stages.length - 1) {
    const stage = stages[count];
    if (touched.has(count) || !isTrainStage(stage) || (stage.schedules ?? []).length > 0) break;
    count++;
  }
  return count;
}
