import { hash, type Parameter, parametersOf, randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';

type T = SymbolicTensor;
type Layer = layers.Layer;

/** Draws from a seed. */
export interface Draw {
  (): number;
  int(low: number, high: number): number;
  of<A>(items: readonly A[]): A;
  chance(p: number): boolean;
}

export function drawer(seed: number): Draw {
  const next = randomUniform(seed) as Draw;
  next.int = (low, high) => low + Math.floor(next() * (high - low + 1));
  next.of = (items) => items[Math.floor(next() * items.length)];
  next.chance = (p) => next() < p;
  return next;
}

const activations = ['relu', 'linear', 'sigmoid', 'tanh', 'elu', 'softplus', 'relu6'] as const;

/** Grows a random model. `used` counts the kinds of layers, to show what a test has covered. */
class Grower {
  readonly used: Map<string, number> = new Map();
  #names = 0;
  constructor(readonly draw: Draw) {}

  at(layer: Layer, x: T | T[]): T {
    const kind = layer.getClassName();
    this.used.set(kind, (this.used.get(kind) ?? 0) + 1);
    return layer.apply(x) as T;
  }

  name(): string {
    return `l${this.#names++}`;
  }

  activation(): (typeof activations)[number] {
    return this.draw.of(activations);
  }

  common(): { name: string; activation: (typeof activations)[number]; useBias: boolean } {
    return { name: this.name(), activation: this.activation(), useBias: this.draw.chance(0.8) };
  }

  /** A function of each channel. */
  elementwise(x: T): T {
    const { draw } = this;
    const name = this.name();
    const rank = x.shape.length;
    const makers: (() => Layer)[] = [
      () => layers.batchNormalization({ name, center: draw.chance(0.9), scale: draw.chance(0.9) }),
      () => layers.batchNormalization({ name }),
      () => layers.activation({ name, activation: this.activation() }),
      () => layers.reLU({ name, ...(draw.chance(0.3) && { maxValue: 2 }) }),
      () => layers.leakyReLU({ name }),
      () => layers.elu({ name }),
      () => layers.thresholdedReLU({ name, theta: 0.1 }),
      () => layers.prelu({ name, ...(rank === 4 && draw.chance(0.5) && { sharedAxes: [1, 2] }) }),
      () => layers.dropout({ name, rate: 0.3 }),
      () => layers.gaussianNoise({ name, stddev: 0.1 }),
    ];
    return this.at(draw.of(makers)(), x);
  }

  conv(x: T, over: Partial<Parameters<typeof layers.conv2d>[0]> = {}): T {
    const { draw } = this;
    const small = Math.min(x.shape[1]!, x.shape[2]!);
    const kernelSize = draw.int(1, Math.min(3, small));
    const padding = draw.of(['same', 'valid'] as const);
    const config = {
      ...this.common(),
      filters: draw.int(2, 5),
      kernelSize,
      padding,
      strides: draw.of([1, 1, 2]),
    };
    return this.at(layers.conv2d({ ...config, ...over }), x);
  }

  residual(x: T): T {
    const same = { padding: 'same', strides: 1 } as const;
    let y = this.conv(x, same);
    if (this.draw.chance(0.6)) y = this.elementwise(y);
    const channels = x.shape.at(-1)!;
    y = this.conv(y, { ...same, filters: channels });
    if (this.draw.chance(0.5)) y = this.elementwise(y);
    const shortcut = this.draw.chance(0.4) ? this.conv(x, { ...same, filters: channels, kernelSize: 1 }) : x;
    const merge = this.draw.of([layers.add, layers.add, layers.average, layers.maximum, layers.multiply]);
    return this.at(merge({ name: this.name() }) as Layer, [shortcut, y]);
  }

  squeezeAndExcite(x: T): T {
    const channels = x.shape.at(-1)!;
    let s = this.at(layers.globalAveragePooling2d({ name: this.name() }), x);
    s = this.at(layers.dense({ name: this.name(), units: this.draw.int(2, 4), activation: 'relu' }), s);
    s = this.at(layers.dense({ name: this.name(), units: channels, activation: 'sigmoid' }), s);
    s = this.at(layers.reshape({ name: this.name(), targetShape: [1, 1, channels] }), s);
    return this.at(layers.multiply({ name: this.name() }) as Layer, [x, s]);
  }

  image(x: T): T {
    const { draw } = this;
    const small = Math.min(x.shape[1]!, x.shape[2]!);
    const name = this.name();
    const steps: (() => T)[] = [
      () => this.conv(x),
      () => this.conv(x),
      () => this.elementwise(this.conv(x, { activation: 'linear' })),
      () => this.elementwise(x),
      () => this.residual(x),
      () => this.residual(x),
      () => this.squeezeAndExcite(x),
      () =>
        this.at(
          layers.depthwiseConv2d({
            ...this.common(),
            kernelSize: Math.min(3, small),
            depthMultiplier: draw.of([1, 1, 2]),
            padding: draw.of(['same', 'valid'] as const),
          }),
          x,
        ),
      () =>
        this.at(
          layers.separableConv2d({
            ...this.common(),
            filters: draw.int(2, 5),
            kernelSize: Math.min(2, small),
            depthMultiplier: draw.of([1, 2]),
            padding: draw.of(['same', 'valid'] as const),
          }),
          x,
        ),
      () => {
        const branches = [
          this.conv(x, { padding: 'same', strides: 1 }),
          this.conv(x, { padding: 'same', strides: 1 }),
        ];
        if (draw.chance(0.5)) branches.push(x);
        return this.at(layers.concatenate({ name }) as Layer, branches);
      },
      () => this.at(layers.zeroPadding2d({ name, padding: 1 }), x),
      () => this.shared(x),
      () => this.nested(x),
    ];
    if (small <= 5) {
      steps.push(
        () => this.at(layers.upSampling2d({ name, size: [2, 2] }), x),
        () =>
          this.at(
            layers.conv2dTranspose({
              ...this.common(),
              filters: draw.int(2, 4),
              kernelSize: 2,
              strides: draw.of([1, 2]),
            }),
            x,
          ),
      );
    }
    if (small >= 4) {
      steps.push(
        () =>
          this.at(
            layers.maxPooling2d({ name, poolSize: 2, padding: draw.of(['same', 'valid'] as const) }),
            x,
          ),
        () =>
          this.at(
            layers.averagePooling2d({
              name,
              poolSize: 3,
              strides: 2,
              padding: draw.of(['same', 'valid'] as const),
            }),
            x,
          ),
        () => this.at(layers.cropping2D({ name, cropping: 1 }), x),
      );
    }
    return draw.of(steps)();
  }

  /** One layer called twice. */
  shared(x: T): T {
    const channels = x.shape.at(-1)!;
    const layer = layers.conv2d({ ...this.common(), filters: channels, kernelSize: 1, padding: 'same' });
    const once = this.at(layer, x);
    const twice = this.at(layer, this.draw.chance(0.5) ? this.elementwise(once) : once);
    return this.draw.chance(0.5)
      ? twice
      : this.at(layers.concatenate({ name: this.name() }) as Layer, [once, twice]);
  }

  nested(x: T): T {
    // All nested models use the same names inside.
    const outside = this.#names;
    this.#names = 1000;
    const inner = input({ shape: x.shape.slice(1) as number[], name: this.name() });
    let y = this.elementwise(inner);
    if (this.draw.chance(0.7)) y = this.residual(y);
    this.#names = outside;
    const name = this.name();
    const block = model({ inputs: inner, outputs: y, name });
    const once = this.at(block, x);
    if (once.shape.at(-1) !== x.shape.at(-1) || this.draw.chance(0.6)) return once;
    return this.at(block, once);
  }

  sequence(x: T): T {
    const { draw } = this;
    const name = this.name();
    const units = draw.int(2, 4);
    const rnn = (returnSequences = true): Layer => {
      const config = {
        name: this.name(),
        units: draw.int(2, 4),
        returnSequences,
        useBias: draw.chance(0.8),
        recurrentInitializer: 'glorotNormal' as const,
      };
      return draw.of([layers.lstm, layers.gru, layers.simpleRNN, layers.lstm])(config) as Layer;
    };
    const steps: (() => T)[] = [
      () => this.at(rnn(), x),
      () => this.at(rnn(), x),
      () =>
        this.at(
          layers.bidirectional({
            name,
            layer: rnn() as never,
            mergeMode: draw.of(['concat', 'sum', 'mul', 'ave'] as const),
          }),
          x,
        ),
      () => this.at(layers.timeDistributed({ name, layer: layers.dense({ ...this.common(), units }) }), x),
      () => this.at(layers.dense({ ...this.common(), units }), x),
      () =>
        this.at(
          layers.conv1d({
            ...this.common(),
            filters: units,
            kernelSize: 2,
            padding: draw.of(['same', 'valid'] as const),
          }),
          x,
        ),
      () => this.elementwise(x),
      () =>
        this.at(layers.add({ name }) as Layer, [
          x,
          this.at(layers.dense({ ...this.common(), units: x.shape.at(-1)! }), x),
        ]),
      () => this.at(layers.permute({ name, dims: [1, 2] }), x),
    ];
    if (x.shape[1]! >= 4) {
      steps.push(() => this.at(layers.maxPooling1d({ name, poolSize: 2 }), x));
      steps.push(() => this.at(layers.averagePooling1d({ name, poolSize: 2, padding: 'same' }), x));
    }
    return x.shape[1]! < 2 ? this.elementwise(x) : draw.of(steps)();
  }

  vector(x: T): T {
    const { draw } = this;
    const name = this.name();
    const n = x.shape.at(-1)!;
    const dense = (from: T, units = draw.int(2, 6)): T =>
      this.at(layers.dense({ ...this.common(), units }), from);
    return draw.of([
      () => dense(x),
      () => dense(x),
      () => this.elementwise(dense(x)),
      () => this.elementwise(x),
      () => this.at(layers.add({ name }) as Layer, [x, dense(dense(x), n)]),
      () => this.at(layers.concatenate({ name }) as Layer, [dense(x), dense(x)]),
    ])();
  }

  toSequence(x: T): T {
    const name = this.name();
    if (x.shape.length === 2) {
      return this.at(layers.repeatVector({ name, n: 3 }), x);
    }
    const [, h, w, c] = x.shape as number[];
    const targetShape = this.draw.of([
      [h * w, c],
      [h, w * c],
    ]);
    return this.at(layers.reshape({ name, targetShape }), x);
  }

  toVector(x: T): T {
    const name = this.name();
    if (x.shape.length === 4) {
      return this.at(
        this.draw.of([
          () => layers.flatten({ name }),
          () => layers.globalAveragePooling2d({ name }),
          () => layers.globalMaxPooling2d({ name }),
        ])(),
        x,
      );
    }
    return this.at(
      this.draw.of([
        () => layers.flatten({ name }) as Layer,
        () => layers.globalAveragePooling1d({ name }) as Layer,
        () => layers.globalMaxPooling1d({ name }) as Layer,
        () => layers.lstm({ name, units: 3, recurrentInitializer: 'zeros' }) as Layer,
        () => layers.gru({ name, units: 3, goBackwards: true, recurrentInitializer: 'zeros' }) as Layer,
      ])(),
      x,
    );
  }

  toImage(x: T): T {
    const units = 2 * 2 * this.draw.int(2, 3);
    const y = this.at(layers.dense({ ...this.common(), units }), x);
    return this.at(layers.reshape({ name: this.name(), targetShape: [2, 2, units / 4] }), y);
  }
}

/** A random model, its input shapes and the kinds of layers it has. */
export function randomModel(seed: number): {
  readonly model: LayersModel;
  readonly used: ReadonlyMap<string, number>;
} {
  const draw = drawer(hash(seed, 17));
  const grow = new Grower(draw);
  const inputs: T[] = [];
  const start = (): T => {
    const kind = draw.int(0, 5);
    let x: T;
    if (kind <= 3) x = input({ shape: [draw.int(4, 7), draw.int(4, 7), draw.int(1, 3)], name: grow.name() });
    else if (kind === 4) {
      x = input({ shape: [draw.int(4, 6)], dtype: 'int32', name: grow.name() });
      inputs.push(x);
      return grow.at(layers.embedding({ name: grow.name(), inputDim: 7, outputDim: draw.int(2, 5) }), x);
    } else x = input({ shape: [draw.int(3, 6)], name: grow.name() });
    inputs.push(x);
    return x;
  };
  const walk = (x: T): T => {
    if (x.shape.length === 4) {
      for (let i = draw.int(1, 4); i > 0; i--) x = grow.image(x);
      if (draw.chance(0.3)) x = grow.toSequence(x);
    }
    if (x.shape.length === 3) {
      for (let i = draw.int(1, 2); i > 0; i--) x = grow.sequence(x);
    }
    if (x.shape.length > 2) x = grow.toVector(x);
    for (let i = draw.int(0, 2); i > 0; i--) x = grow.vector(x);
    return x;
  };
  let x = walk(start());
  if (draw.chance(0.25)) {
    x = grow.at(layers.concatenate({ name: grow.name() }) as Layer, [x, walk(start())]);
  }
  if (draw.chance(0.15)) x = walk(grow.toImage(x));
  if (draw.chance(0.1)) x = walk(grow.toSequence(x));
  const outputs = [
    grow.at(
      layers.dense({ name: grow.name(), units: 3, activation: draw.of(['softmax', 'linear', 'sigmoid']) }),
      x,
    ),
  ];
  if (draw.chance(0.15)) outputs.push(x);
  const whole = model({ inputs, outputs });
  const alone = inputs.length === 1 && outputs.length === 1;
  // The shape of every transfer-learning net.
  const head = (): Layer => layers.dense({ name: grow.name(), units: draw.int(2, 4) });
  const grown = alone && draw.chance(0.3) ? sequential({ layers: [whole, head()] }) : whole;
  for (const [i, parameter] of parametersOf(grown).entries()) randomise(parameter, hash(seed, i));
  return { model: grown, used: grow.used };
}

/** Weights at random: variances positive, everything else normal. */
function randomise({ variable, role, name, axes, size }: Parameter, seed: number): void {
  const draw = randomUniform(seed);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
  const fan = axes.in === undefined ? 4 : size / (variable.shape[axes.out ?? axes.in] || 1);
  const values = Float32Array.from({ length: size }, () => {
    if (name.endsWith('moving_variance')) return 0.5 + draw();
    if (role === 'scale') return 1 + 0.3 * gauss();
    return (
      gauss() * (role === 'bias' || role === 'offset' || role === 'statistic' ? 0.3 : 1 / Math.sqrt(fan))
    );
  });
  const tensor = tf.tensor(values, variable.shape);
  variable.assign(tensor as tf.Tensor);
  tensor.dispose();
}

/** Random inputs of a model, `n` examples. Integers below 7 for those that an embedding reads. */
export function randomInputs({ inputs }: LayersModel, n: number, seed: number): tf.Tensor[] {
  return inputs.map(({ shape, dtype }, i) => {
    const size = [n, ...(shape.slice(1) as number[])];
    return dtype === 'int32'
      ? tf.tidy(() => tf.cast(tf.floor(tf.randomUniform(size, 0, 6.99, 'float32', hash(seed, i))), 'int32'))
      : tf.randomNormal(size, 0, 1, 'float32', hash(seed, i));
  });
}

/** The largest difference between two models' outputs, relative to the largest output. */
export function difference(a: LayersModel, b: LayersModel, inputs: tf.Tensor[]): number {
  return tf.tidy(() => {
    const [one, other] = [a, b].map((m) => [m.predict(inputs)].flat() as tf.Tensor[]);
    return Math.max(
      ...one.map((x, i) => {
        const scale = Math.max(tf.max(tf.abs(x)).dataSync()[0], 1e-6);
        return tf.max(tf.abs(tf.sub(x, other[i]))).dataSync()[0] / scale;
      }),
    );
  });
}
