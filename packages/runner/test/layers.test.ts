import { type BackendName, startBackend } from '@espalier/backend';
import { EspalierError, Run, seededModel, topologyOf, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSequential } from '../src/pipeline/layers.js';
import { layersSchema } from '../src/recipe/layers/schema.js';
import { layerTable } from '../src/recipe/layers/table.js';
import { refused, type Sample, samples } from './layer-specs.js';

type Config = Record<string, unknown>;
type Spec = Record<string, Config>;
/** What wrappers hold. */
type Holder = tfl.layers.Layer & Record<'layer' | 'forwardLayer' | 'cell' | 'cells', unknown>;

const classes: Readonly<Record<string, string>> = { constant: 'Constant', l1l2: 'L1L2', maxNorm: 'MaxNorm' };

/** Options that TF.js keeps but does not tell, or tells wrongly. */
const untold = ['depthMultiplier', 'depthwiseConstraint', 'noiseShape'];

/** Does the layer say what the recipe says? */
function check(layer: Holder, options: Config): void {
  const config = layer.getConfig() as Config;
  for (const [key, value] of Object.entries(options)) {
    const told = untold.includes(key) ? (layer as unknown as Config)[key] : config[key];
    if (key === 'layer') {
      checkSpec((layer.forwardLayer ?? layer.layer) as Holder, value as Spec);
    } else if (key === 'cell' || key === 'cells') {
      const specs = Array.isArray(value) ? value : [value];
      const cells = (layer.cells ??
        (specs.length > 1 ? (layer.cell as Holder).cells : [layer.cell])) as Holder[];
      for (const [i, spec] of specs.entries()) checkSpec(cells[i], spec);
    } else if (/(Initializer|Regularizer|Constraint)$/.test(key)) {
      const [[name, args]] = Object.entries(value as Spec);
      const part = told as { getClassName(): string; getConfig(): Config };
      const said = untold.includes(key) ? { className: part.getClassName(), config: part.getConfig() } : told;
      expect([key, said]).toEqual([key, { className: classes[name], config: args }]);
    } else {
      expect([key, told]).toEqual([key, value]);
    }
  }
}

function checkSpec(layer: Holder, spec: Spec): void {
  check(layer, Object.values(spec)[0]);
}

const build = ({ spec, inputs }: Sample, ...more: object[]): tfl.LayersModel =>
  buildSequential('m', inputs, layersSchema.parse([spec, ...more]));

const named = samples.map((sample): [string, Sample] => [Object.keys(sample.spec)[0], sample]);

beforeAll(async () => {
  await startBackend({ prefer: 'cpu' });
});

describe.each(named)('%s in a recipe', (kind, sample) => {
  it('is what its options say, and so is a copy of it', async () => {
    const model = build(sample);
    const copy = await seededModel(model, 5);
    for (const { layers } of [model, copy]) check(layers[0] as Holder, sample.spec[kind]);
    expect(copy.weights.map(({ shape }) => shape)).toEqual(model.weights.map(({ shape }) => shape));
    expect(topologyOf(await seededModel(copy, 5))).toEqual(topologyOf(copy));
  });

  it('is given every option that the table has, or the table refuses it', () => {
    const refused = Object.entries(layerTable[kind as 'dense'])
      .filter(([, schema]) => !schema.safeParse(undefined).success || !isNever(schema))
      .map(([key]) => key);
    const given = named.filter(([name]) => name === kind).flatMap(([, { spec }]) => Object.keys(spec[kind]));
    for (const key of refused) expect(given).toContain(key);
  });
});

const isNever = (schema: { safeParse(value: unknown): { success: boolean } }): boolean =>
  [
    1,
    'relu',
    true,
    [1],
    [2, 2],
    {},
    { constant: { value: 1 } },
    { l1: { l1: 1 } },
    'nonNeg',
    'valid',
    'ave',
  ].every((value) => !schema.safeParse(value).success);

it.each(refused)('$why', ({ spec, inputs, why }) => {
  expect(() => build({ spec, inputs })).toThrow(why);
});

it('knows every layer of TF.js', () => {
  const all = Object.keys(tfl.layers).filter((name) => /^[a-z]/.test(name) && !/^input/.test(name));
  expect(Object.keys(layerTable).sort()).toEqual(all.sort());
});

/** What TF.js 4.22 cannot differentiate, or not on a backend: told by name, not by a stack. */
const untrainable: readonly [RegExp, string | undefined, RegExp][] = [
  [/^(conv1d|conv2d|separableConv2d)$/, undefined, /dilation rates greater than 1/],
  [/^conv3dTranspose$/, undefined, /gradient function not found/],
  [/^categoryEncoding$/, 'native', /DenseBincount.*another --backend/s],
];

describe.each<BackendName>(['cpu', 'wasm', 'native'])('on %s', (backend) => {
  beforeAll(async () => {
    await startBackend({ prefer: backend });
  });

  const step = async (sample: Sample): Promise<void> => {
    const last = (build(sample).outputShape as number[]).length;
    const model = build(sample, ...(last > 2 ? [{ flatten: {} }] : []), { dense: { units: 2 } });
    const size = sample.inputs.reduce((a, b) => a * b);
    const values = Float32Array.from({ length: 2 * size }, (_, i) => (i * 5) % 7);
    const before = await Promise.all(model.getWeights().map((w) => w.data()));
    const data = {
      size: 2,
      stepsPerEpoch: 1,
      *batches() {
        yield { inputs: tf.tensor(values, [2, ...sample.inputs]), labels: tf.tensor2d([1, 0, 0, 1], [2, 2]) };
      },
    };
    const run = new Run(model);
    const tensors = tf.memory().numTensors;
    const [{ loss }] = await train(run, { data, epochs: 1, loss: 'meanSquaredError' });
    expect(Number.isFinite(loss)).toBe(true);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(await Promise.all(model.getWeights().map((w) => w.data()))).not.toEqual(before);
  };

  const once = named.filter(([kind]) => !/^(avg|.*MaxPool[12]d$|maxPool[12]d$)/.test(kind));
  it.each(once)('%s trains, or is refused by name', async (kind, sample) => {
    const refusal = untrainable.find(([kinds, where]) => kinds.test(kind) && (where ?? backend) === backend);
    if (refusal === undefined) return step(sample);
    const error = await step(sample).catch((e: Error) => e);
    expect(error).toBeInstanceOf(EspalierError);
    expect((error as Error).message).toMatch(refusal[2]);
  });

  it.each(['conv1d', 'conv2d', 'separableConv2d'])('%s trains without dilation', async (kind) => {
    const [, { spec, inputs }] = named.find(([name]) => name === kind)!;
    const { dilationRate: _, ...options } = spec[kind];
    await step({ spec: { [kind]: options }, inputs });
  });
});
