import { formatBytes, formatDuration, formatPercent } from '@espalier/report';
import type { VNode } from 'preact';
import type { RunListing } from '../../runs.js';
import { Curves, type Series } from './curves.js';
import { pageOf, type MetricLine, type RunData } from './source.js';
import { Tensors } from './tensors.js';

const percent = (share: number): string => `${Number((100 * share).toPrecision(4))} %`;

const column = (metrics: readonly MetricLine[], of: (line: MetricLine) => number | null | undefined) =>
  metrics.map((line) => of(line) ?? null);

const has = ({ values }: Series): boolean => values.some((value) => value !== null);

/** Where each stage begins, in words. */
function stagesOf(metrics: readonly MetricLine[]): string {
  const first = new Map<string, number>();
  for (const [i, { stage }] of metrics.entries()) if (!first.has(stage)) first.set(stage, i);
  return [...first].map(([stage, i]) => `${stage} from ${i + 1}`).join(', ');
}

function Progress({ data, run }: { data: RunData; run: RunListing }): VNode | null {
  const { live, report } = data;
  if (run.state === 'done' && report) {
    return (
      <p class="meta">
        Done: {formatBytes(report.compressed.bytes)} of {formatBytes(report.dense.bytes)}
        {report.compressed.accuracy !== null && `, accuracy ${formatPercent(report.compressed.accuracy)}`}.
      </p>
    );
  }
  if (!live || run.state !== 'running') return null;
  const { stage, epoch, epochs, step, steps, loss } = live;
  return (
    <p class="meta">
      <label for="live">
        {stage}, epoch {epoch + 1}
        {epochs !== undefined && ` of ${epochs}`}
        {loss !== undefined && `, loss ${loss.toPrecision(4)}`}
      </label>{' '}
      <progress id="live" max={steps ?? 1} value={steps === undefined ? undefined : step} />
    </p>
  );
}

/** A run: its curves, its time, its memory, its tensors. */
export function RunView({ run, data }: { run: RunListing; data: RunData }): VNode {
  const { metrics, watch } = data;
  const x = metrics.map((_, i) => i + 1);
  const names = [...new Set(metrics.flatMap(({ validationMetrics }) => Object.keys(validationMetrics ?? {})))];
  const goals = names.filter((name) => name !== 'accuracy');
  const losses = [
    { label: 'training', values: column(metrics, ({ loss }) => loss) },
    { label: 'validation', values: column(metrics, ({ validationLoss }) => validationLoss) },
  ].filter(has);
  const accuracy = { label: 'validation', values: column(metrics, (line) => line.validationAccuracy) };
  const zeros = { label: 'zeros', values: column(metrics, ({ sparsity }) => sparsity) };
  const rate = { label: 'rate', values: column(metrics, ({ learningRate }) => learningRate) };
  const times = [
    { label: 'computing', values: column(metrics, ({ seconds, wait = 0 }) => seconds && seconds - wait) },
    { label: 'waiting for data', values: column(metrics, ({ wait }) => wait) },
  ].filter(has);
  return (
    <>
      <header>
        <h1>{run.path || 'This run'}</h1>
        <p class="meta">
          <State run={run} /> · {metrics.length} {metrics.length === 1 ? 'epoch' : 'epochs'}
          {metrics.length > 0 && ` · ${stagesOf(metrics)}`}
          {times.length > 0 && ` · ${formatDuration(metrics.reduce((sum, { seconds = 0 }) => sum + seconds, 0))}`}
        </p>
        <Progress data={data} run={run} />
        <OwnPage run={run} name="Its report" />
      </header>
      {metrics.length === 0 ? (
        <p class="note">No epoch is done yet.</p>
      ) : (
        <section class="grid2" aria-label="Curves">
          <Curves title="Loss" x={x} series={losses} />
          {has(accuracy) && <Curves title="Accuracy" x={x} series={[accuracy]} show={percent} />}
          {goals.map((name) => (
            <Curves
              key={name}
              title={name}
              x={x}
              series={[{ label: 'validation', values: column(metrics, (line) => line.validationMetrics?.[name]) }]}
            />
          ))}
          {has(zeros) && <Curves title="Weights that are 0" x={x} series={[zeros]} show={percent} />}
          {has(rate) && <Curves title="Learning rate" x={x} series={[rate]} />}
          {times.length > 0 && (
            <Curves title="Seconds an epoch" x={x} series={times} />
          )}
          {watch.some(({ memory }) => memory) && (
            <Curves
              title="Memory"
              x={watch.map((_, i) => i + 1)}
              xLabel="look"
              show={formatBytes}
              series={[
                { label: 'process', values: watch.map(({ memory }) => memory?.process ?? null) },
                { label: 'tensors', values: watch.map(({ memory }) => memory?.tensors ?? null) },
              ]}
            />
          )}
        </section>
      )}
      {watch.length > 0 ? (
        <Tensors lines={watch} />
      ) : (
        <p class="note">
          With <code>espalier run --watch</code> a run also writes its tensors by epoch, its memory, and how far it is.
        </p>
      )}
    </>
  );
}

/** A way to the page that a run has written, if it has. */
export function OwnPage({ run, name }: { run: RunListing; name: string }): VNode | null {
  const page = pageOf(run);
  if (page === undefined) return null;
  return (
    <p>
      <a href={page} target="_blank" rel="noreferrer">
        {name}
      </a>
    </p>
  );
}

/** What a run is at. */
export function State({ run: { state } }: { run: RunListing }): VNode {
  return <span class={`state ${state}`}>{state}</span>;
}
