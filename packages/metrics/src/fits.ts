import type { Metric, Task } from '@espalier/core';

type Refuses = NonNullable<Metric['refuses']>;

const are: Readonly<Record<Task, string>> = {
  classes: 'the labels are classes',
  labels: 'the labels are there or not',
  numbers: 'the labels are numbers',
  unknown: '',
};

/** Refuses outputs of other tasks than these; where nobody knows, the caller does. */
export function only(...tasks: readonly Task[]): Refuses {
  return (task) => (task === 'unknown' || tasks.includes(task) ? undefined : are[task]);
}

/** Refuses what is no picture of so many pixels, `[n, height, width, channels]`. */
export function pictures(name: string, least: number): Refuses {
  return (task, shape) => {
    const other = only('numbers', 'labels')(task, shape);
    if (other !== undefined) return other;
    const [, height, width] = shape;
    if (shape.length !== 4) return `${name} is of pictures, and the output is [${shape.slice(1)}]`;
    if ((height ?? least) >= least && (width ?? least) >= least) return undefined;
    return `${name} looks at windows of ${least} x ${least} pixels, and the output is ${height} x ${width}`;
  };
}
