import type { WatchedTensor } from '@espalier/report';
import { PbfWriter } from 'pbf';

// TensorFlow's own messages, as far as they are written here: tensorflow/core/util/event.proto, framework/summary.proto,
// framework/tensor.proto. The numbers are those of their fields.

/** What an event tells, of a moment. */
export interface Told {
  readonly step?: number;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly tensors?: readonly WatchedTensor[];
  /** The first event of a file says what the file is. */
  readonly version?: string;
  /** What was told of this step and later ones, in files before this, counts no more. */
  readonly restarts?: boolean;
}

const [float64, ofTensors] = [2, 2];
/** `SessionLog.START` */
const start = 1;

/** Rows of a histogram: from, to, how many. */
function rowsOf({ low, high, counts }: WatchedTensor): Uint8Array {
  const rows = new DataView(new ArrayBuffer(24 * counts.length));
  const edge = (i: number): number => (i === counts.length ? high : low + ((high - low) * i) / counts.length);
  for (const [i, count] of counts.entries()) {
    for (const [j, value] of [edge(i), edge(i + 1), count].entries())
      rows.setFloat64(24 * i + 8 * j, value, true);
  }
  return new Uint8Array(rows.buffer);
}

function writeShape(sizes: readonly number[], out: PbfWriter): void {
  for (const size of sizes) out.writeMessage(2, (n: number, dim) => dim.writeVarintField(1, n), size);
}

function writeHistogram(tensor: WatchedTensor, out: PbfWriter): void {
  out.writeStringField(1, tensor.name);
  out.writeMessage(
    9,
    (name: string, metadata) => {
      metadata.writeMessage(1, (plugin: string, data) => data.writeStringField(1, plugin), name);
      metadata.writeVarintField(4, ofTensors);
    },
    'histograms',
  );
  out.writeMessage(
    8,
    (one: WatchedTensor, values) => {
      values.writeVarintField(1, float64);
      values.writeMessage(2, writeShape, [one.counts.length, 3]);
      values.writeBytesField(4, rowsOf(one));
    },
    tensor,
  );
}

function writeSummary({ scalars = {}, tensors = [] }: Told, out: PbfWriter): void {
  for (const scalar of Object.entries(scalars)) {
    out.writeMessage(
      1,
      ([tag, value]: [string, number], one) => {
        one.writeStringField(1, tag);
        one.writeFloatField(2, value);
      },
      scalar,
    );
  }
  for (const tensor of tensors) out.writeMessage(1, writeHistogram, tensor);
}

/** An `Event`. */
export function eventBytes(told: Told): Uint8Array {
  const out = new PbfWriter();
  out.writeDoubleField(1, Date.now() / 1000);
  if (told.step !== undefined) out.writeVarintField(2, told.step);
  if (told.version !== undefined) out.writeStringField(3, told.version);
  if (told.scalars || told.tensors) out.writeMessage(5, writeSummary, told);
  if (told.restarts) out.writeMessage(7, (status: number, log) => log.writeVarintField(1, status), start);
  return out.finish();
}
