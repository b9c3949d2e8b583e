import type { DataSource } from '@espalier/datasets';

type Layer = Readonly<Record<string, object>>;

const dense = (name: string, units: number, activation: string): Layer => ({
  dense: { name, units, activation },
});

/** Convolutions that halve a picture until little of it is left. */
function forPictures([height, width]: readonly number[]): Layer[] {
  const halvings = Math.max(1, Math.min(4, Math.floor(Math.log2(Math.min(height, width) / 3))));
  const layers: Layer[] = [];
  for (let i = 0; i < halvings; i++) {
    const filters = 16 * 2 ** Math.min(i, 2);
    layers.push(
      { conv2d: { name: `conv${i + 1}`, filters, kernelSize: 3, padding: 'same', activation: 'relu' } },
      { maxPooling2d: { poolSize: 2 } },
    );
  }
  return [...layers, { flatten: {} }, dense('hidden', 64, 'relu')];
}

/** How many ids an encoding has, where inputs are ids. */
function idsOf({ encoding, labels }: DataSource): number | undefined {
  const { kind, vocabulary } = (encoding ?? {}) as { kind?: string; vocabulary?: readonly string[] };
  if (kind === 'text') return (vocabulary?.length ?? 0) + 2;
  return kind === 'characters' || kind === 'words' ? labels[0].shape.at(-1) : undefined;
}

/** A small model for data, as layers of a recipe. */
export function layersFor(source: DataSource): Layer[] {
  const { inputs, labels, characters } = source;
  const { shape } = inputs[0];
  const [label] = labels;
  const units = label.shape.at(-1) as number;
  const last = dense('out', units, label.classes ? 'softmax' : 'linear');
  const ids = idsOf(source) ?? (characters ? units : undefined);
  const embedding = (outputDim: number): Layer => ({
    embedding: { name: 'words', inputDim: ids as number, outputDim },
  });
  if (ids !== undefined && label.shape.length === 2) {
    // TF.js takes long to find an orthogonal matrix.
    const recurrentInitializer = 'glorotUniform';
    const recurrent = { gru: { name: 'memory', units: 64, returnSequences: true, recurrentInitializer } };
    return [embedding(32), recurrent, { timeDistributed: { name: 'next', layer: last } }];
  }
  if (ids !== undefined) {
    const conv = {
      conv1d: { name: 'conv1', filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' },
    };
    return [embedding(16), conv, { globalMaxPooling1d: {} }, last];
  }
  if (shape.length === 3 && Math.min(shape[0], shape[1]) >= 6) return [...forPictures(shape), last];
  if (shape.length === 2 && shape[0] >= 6) {
    const conv = {
      conv1d: { name: 'conv1', filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' },
    };
    return [conv, { globalMaxPooling1d: {} }, dense('hidden', 32, 'relu'), last];
  }
  const flat = shape.length > 1 ? [{ flatten: {} }] : [];
  return [...flat, dense('hidden1', 64, 'relu'), dense('hidden2', 32, 'relu'), last];
}
