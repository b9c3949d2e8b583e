import { type Loss, type Losses, lossNames } from '@espalier/core';
import type { Described } from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';

export type Shape = readonly (number | null)[];

/** The same sizes, where the model leaves none open. */
export const sameShape = (model: Shape, data: readonly number[]): boolean =>
  model.length === data.length && model.every((n, i) => n === null || n === data[i]);

const ofClasses: ReadonlySet<unknown> = new Set(
  lossNames.filter((name) => /^(sparseC|c)ategorical|^kullback/.test(name)),
);

/** The loss of one output, by its place or its name. */
function lossOf(losses: Losses, { outputNames }: LayersModel, output: number): Loss | undefined {
  if (Array.isArray(losses)) return losses[output] as Loss | undefined;
  if (typeof losses !== 'object' || typeof (losses as { name?: unknown }).name === 'string')
    return losses as Loss;
  return (losses as Readonly<Record<string, Loss>>)[outputNames[output]];
}

/** May the labels of an output be the numbers of classes, as its loss says? */
function takesNumbers(losses: Losses | undefined, model: LayersModel, output: number): boolean {
  const loss = losses && lossOf(losses, model, output);
  return ofClasses.has(typeof loss === 'object' ? loss.name : loss);
}

/** Whether labels are of an output's shape, or, where its loss takes them, numbers of its classes. */
export function fitsOutput(
  model: LayersModel,
  shape: Shape,
  label: readonly number[],
  losses?: Losses,
): boolean {
  if (sameShape(shape, label)) return true;
  const output = model.outputs.findIndex((one) => one.shape.slice(1).join() === shape.join());
  if (!takesNumbers(losses, model, output)) return false;
  const rows = shape.slice(0, -1);
  return sameShape(rows, label) || sameShape([...rows, 1], label);
}

/** What the labels ask for where nobody chose a loss: numbers of some outputs are no classes. */
export function usualLoss(labels: readonly Described[]): Losses | undefined {
  const numbers = labels.filter((label) => label.numbers).length;
  if (numbers === 0) return undefined;
  if (numbers === labels.length) return 'meanSquaredError';
  const each = labels.map((label) => (label.numbers ? 'meanSquaredError' : 'categoricalCrossentropy'));
  if (labels.some(({ name }) => name === undefined)) return each;
  return Object.fromEntries(labels.map(({ name }, i) => [name as string, each[i]]));
}
