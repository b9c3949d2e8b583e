import { isTrainStage, type Recipe, type Search } from '../../recipe/schema.js';

/** Each rung trains so many times longer than the one below, and keeps one in so many. */
export const eta = 3;

/** One round of a search: how many trials, and for which share of the recipe's epochs. */
export interface Rung {
  readonly trials: number;
  readonly share: number;
}

/**
 * The rounds of a search. Successive halving (Jamieson & Talwalkar 2016, here with a factor of 3): all trials
 * for a ninth of the epochs, the best third for a third of them, the best of those for all.
 */
export function rungsOf(strategy: Search['strategy'], trials: number): Rung[] {
  if (strategy !== 'halving' && strategy !== 'asynchronous-halving') return [{ trials, share: 1 }];
  const steps = Math.min(2, Math.floor(Math.log(trials) / Math.log(eta) + 1e-9));
  return Array.from({ length: steps + 1 }, (_, i) => ({
    trials: Math.max(1, Math.round(trials / eta ** i)),
    share: eta ** (i - steps),
  }));
}

/** A recipe whose stages train for a share of their epochs, schedules shortened with them. */
export function shortened(recipe: Recipe, share: number): Recipe {
  if (share === 1) return recipe;
  const part = (epochs: number): number => Math.max(1, Math.round(epochs * share));
  return {
    ...recipe,
    stages: recipe.stages.map((stage) => {
      if (!isTrainStage(stage)) return stage;
      const epochs = part(stage.epochs);
      const schedules = stage.schedules?.map((schedule) => {
        const { start = 0, end } = schedule;
        const from = Math.min(epochs - 1, Math.round(start * share));
        return {
          ...schedule,
          ...(schedule.start !== undefined && { start: from }),
          ...(end !== undefined && { end: Math.min(epochs, Math.max(from + 1, part(end))) }),
        };
      });
      return { ...stage, epochs, ...(schedules && { schedules }) };
    }),
  };
}
