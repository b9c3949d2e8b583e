import type { EpochMetrics } from '@espalier/core';
import { formatBytes, formatMeasure } from '@espalier/report';
import type { Listener, ShownGoal } from '../pipeline/listener.js';
import { colorsOf, escapes, type Part, write } from './stream.js';

const percent = (fraction: number | undefined, digits = 2): string =>
  fraction === undefined ? '–' : `${(100 * fraction).toFixed(digits)} %`;

function epochLine(
  {
    epoch,
    loss,
    validationAccuracy,
    validationLoss,
    validationMetrics,
    sparsity,
    bytes,
    seconds,
    wait,
  }: EpochMetrics,
  epochs: number,
  goal: ShownGoal | undefined,
): string {
  const { metric = 'accuracy', unit } = goal ?? {};
  const value = metric === 'loss' ? validationLoss : validationMetrics?.[metric];
  const measured =
    metric === 'accuracy'
      ? percent(value ?? validationAccuracy)
      : `${metric} ${value === undefined ? '–' : formatMeasure(value, unit)}`;
  const parts = [
    `epoch ${String(epoch + 1).padStart(String(epochs).length)}/${epochs}`,
    `loss ${loss.toFixed(4)}`,
    `validation ${measured}`,
    ...(sparsity > 0.001 ? [`zeros ${percent(sparsity, 1)}`] : []),
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    `${seconds.toFixed(1)} s`,
    ...(wait === undefined ? [] : [`data wait ${percent(seconds > 0 ? wait / seconds : 0, 1)}`]),
  ];
  return `  ${parts.join('  ')}`;
}

/** Shows a run on a stream: a moving bar on a terminal, plain lines in a pipe. */
export function showProgress(stream: NodeJS.WriteStream): Listener {
  const bar = escapes(stream);
  const { dim, yellow, bold } = colorsOf(stream);
  let open = false;
  const clear = (): void => {
    if (open) stream.write('\r\x1b[K');
    open = false;
  };
  const line = (...parts: Part[]): void => {
    clear();
    write(stream, ...parts, '\n');
  };
  return {
    info: (text) => line([dim, text]),
    warn: (text) => line([yellow, `warning: ${text}`]),
    stage: (name, index, count, what) => line([bold, `[${index + 1}/${count}] ${name}`], `  ${what}`),
    step({ epoch, epochs, step, steps, loss }) {
      if (!bar) return;
      const width = 28;
      const full = Math.round((width * step) / steps);
      clear();
      const drawn = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
      write(stream, `  epoch ${epoch + 1}/${epochs} ${drawn} ${step}/${steps}  loss ${loss.toFixed(4)}`);
      open = true;
    },
    epoch: (metrics, epochs, goal) => line(epochLine(metrics, epochs, goal)),
  };
}
