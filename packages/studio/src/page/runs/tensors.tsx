import { drawWatched, formatBytes, formatCount, type WatchLine } from '@espalier/report';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Html } from '../view/html.js';
import { Curves } from './curves.js';

/** Lines of a plot that can be told apart. */
const most = 4;

const percent = (share: number): string => `${Number((100 * share).toPrecision(4))} %`;

/** Tensors by epoch: zeros and bytes as curves, a table, histograms and codebooks at one moment. */
export function Tensors({ lines }: { lines: readonly WatchLine[] }): VNode {
  const [picked, setPicked] = useState<number>();
  const at = Math.min(picked ?? lines.length - 1, lines.length - 1);
  const { stage, epoch, tensors } = lines[at];
  const large = [...tensors].sort((a, b) => b.parameters - a.parameters);
  const shown = large.slice(0, most).map(({ name }) => name);
  const x = lines.map((_, i) => i + 1);
  const values = (name: string, of: (tensor: (typeof tensors)[number]) => number): (number | null)[] =>
    lines.map((line) => {
      const tensor = line.tensors.find((one) => one.name === name);
      return tensor ? of(tensor) : null;
    });
  return (
    <section>
      <h2>Tensors</h2>
      <p class="note">The {shown.length === tensors.length ? '' : `${shown.length} largest `}tensors by look; bytes are about, by how often each value occurs.</p>
      <div class="grid2">
        <Curves
          title="Zeros of a tensor"
          x={x}
          xLabel="look"
          show={percent}
          series={shown.map((name) => ({ label: name, values: values(name, ({ nonzero, parameters }) => 1 - nonzero / Math.max(1, parameters)) }))}
        />
        <Curves
          title="Bytes of a tensor"
          x={x}
          xLabel="look"
          show={formatBytes}
          series={shown.map((name) => ({ label: name, values: values(name, ({ bytes }) => bytes) }))}
        />
      </div>
      <div class="card">
        <label for="look">
          {stage}, epoch {epoch + 1}
        </label>
        <input
          id="look"
          type="range"
          min="0"
          max={lines.length - 1}
          value={at}
          aria-valuetext={`${stage}, epoch ${epoch + 1}`}
          onInput={(event) => setPicked(Number(event.currentTarget.value))}
        />
        <div class="pictures">
          {large.slice(0, 12).map((tensor) => (
            <div key={tensor.name}>
              <Html source={drawWatched(tensor)} />
              <p class="facts">
                {formatCount(tensor.parameters)} weights, {percent(1 - tensor.nonzero / Math.max(1, tensor.parameters))} are 0, about{' '}
                {formatBytes(tensor.bytes)}
                {tensor.codebook && `, ${tensor.codebook.values.length} values`}
              </p>
            </div>
          ))}
        </div>
      </div>
    </section>
  );
}
