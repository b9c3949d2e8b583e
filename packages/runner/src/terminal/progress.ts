import type { EpochMetrics } from '@espalier/core';
import pc from 'picocolors';
import type { Listener } from '../pipeline/listener.js';

const percent = (fraction: number | undefined, digits = 2): string =>
  fraction === undefined ? '–' : `${(100 * fraction).toFixed(digits)} %`;

function epochLine(
  { epoch, loss, validationAccuracy, sparsity, seconds }: EpochMetrics,
  epochs: number,
): string {
  const parts = [
    `epoch ${String(epoch + 1).padStart(String(epochs).length)}/${epochs}`,
    `loss ${loss.toFixed(4)}`,
    `validation ${percent(validationAccuracy)}`,
    ...(sparsity > 0.001 ? [`zeros ${percent(sparsity, 1)}`] : []),
    `${seconds.toFixed(1)} s`,
  ];
  return `  ${parts.join('  ')}`;
}

/** Shows a run on a stream: a moving bar on a terminal, plain lines in a pipe. */
export function showProgress(stream: NodeJS.WriteStream): Listener {
  const bar = stream.isTTY === true;
  const colors = pc.createColors(bar && process.env.NO_COLOR === undefined);
  let open = false;
  const clear = (): void => {
    if (open) stream.write('\r\x1b[K');
    open = false;
  };
  const line = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    info: (text) => line(colors.dim(text)),
    warn: (text) => line(colors.yellow(`warning: ${text}`)),
    stage: (name, index, count, what) => line(`${colors.bold(`[${index + 1}/${count}] ${name}`)}  ${what}`),
    step({ epoch, epochs, step, steps, loss }) {
      if (!bar) return;
      const width = 28;
      const full = Math.round((width * step) / steps);
      clear();
      stream.write(
        `  epoch ${epoch + 1}/${epochs} ${'█'.repeat(full)}${'░'.repeat(width - full)} ${step}/${steps}  loss ${loss.toFixed(4)}`,
      );
      open = true;
    },
    epoch: (metrics, epochs) => line(epochLine(metrics, epochs)),
  };
}
