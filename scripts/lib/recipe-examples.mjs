// An example of each key of a recipe, as YAML of its section: `write-docs.mjs` puts them into docs/recipe.md and fails where one is
// missing; a test checks that each is right.

/** By section, then by key. `…` is any name. */
export const examples = {
  recipe: {
    name: 'name: prices',
    seed: 'seed: 1',
    model: 'model: ./mobilenet/model.json',
    loss: 'loss: huber',
    metrics: 'metrics: [rmse, r2]',
    goal: 'goal: rmse',
    'goal.metric': 'goal: { metric: rmse }',
    'goal.better': 'goal: { metric: rmse, better: lower }',
    plugins: "plugins: { agp: { use: 'pruners#agp', options: { final: 0.8 } } }",
    'plugins.….use': "plugins: { agp: { use: 'pruners#agp' } }",
    'plugins.….options': "plugins: { agp: { use: 'pruners#agp', options: { final: 0.8 } } }",
    search: 'search: { paths: { seed: { choices: [1, 2] } } }',
    'search.strategy': 'search: { strategy: halving, paths: { seed: { choices: [1, 2] } } }',
    'search.maxError': 'search: { maxError: 0.02, paths: { seed: { choices: [1, 2] } } }',
    'search.bound': 'search: { bound: 0.3, paths: { seed: { choices: [1, 2] } } }',
    'search.front': 'search: { strategy: tpe, front: true, paths: { seed: { choices: [1, 2] } } }',
    'search.paths': 'search: { paths: { plugins.agp.options.final: { from: 0.6, to: 0.95 } } }',
    'search.paths.….from': 'search: { paths: { seed: { from: 1, to: 9, integer: true } } }',
    'search.paths.….to': 'search: { paths: { seed: { from: 1, to: 9, integer: true } } }',
    'search.paths.….scale':
      'search: { paths: { stages.0.learningRate: { from: 0.0001, to: 0.01, scale: log } } }',
    'search.paths.….integer': 'search: { paths: { seed: { from: 1, to: 9, integer: true } } }',
    'search.paths.….choices': 'search: { paths: { seed: { choices: [1, 2] } } }',
    'search.paths.….when':
      'search: { paths: { seed: { choices: [1, 2] }, name: { choices: [a, b], when: { seed: 1 } } } }',
    baseline: 'baseline: dense',
    encode: 'encode: { effort: 9 }',
    'encode.effort': 'encode: { effort: 4 }',
    'encode.small': 'encode: { small: true }',
    'encode.reorder': 'encode: { reorder: true }',
    'encode.size': 'encode: { size: 20000 }',
    'encode.metadata': 'encode: { metadata: { licence: MIT } }',
    data: 'data: { csv: houses.csv, target: price }',
    stages: 'stages: [{ name: dense, epochs: 20 }]',
  },
  model: {
    from: 'model: { from: ./mobilenet/model.json }',
    until:
      'model: { from: ./mobilenet/model.json, until: conv_pw_13_relu, layers: [{ dense: { units: 3 } }] }',
    layers:
      'model: { from: ./mobilenet/model.json, until: conv_pw_13_relu, layers: [{ dense: { units: 3 } }] }',
  },
  loss: {
    name: 'loss: { name: huber }',
    weight: 'loss: { kind: categoricalCrossentropy, price: { name: huber, weight: 0.5 } }',
    smoothing: 'loss: { name: categoricalCrossentropy, smoothing: 0.1 }',
    classWeights: 'loss: { name: binaryCrossentropy, classWeights: [1, 5] }',
    ignore: 'loss: { name: sparseCategoricalCrossentropy, ignore: 0 }',
    delta: 'loss: { name: huber, delta: 0.5 }',
  },
  metrics: {
    name: 'metrics: [{ name: f1 }]',
    k: 'metrics: [{ name: topK, k: 3 }]',
    average: 'metrics: [{ name: f1, average: micro }]',
    class: 'metrics: [{ name: recall, class: daisy }]',
    peak: 'metrics: [{ name: psnr, peak: 255 }]',
  },
  name: {
    name: 'name: mnist',
    length: 'length: 100',
    validation: 'validation: 5000',
    batchSize: 'batchSize: 64',
    scale: 'scale: symmetric',
    augment: 'augment: { shift: 2 }',
    'augment.shift': 'augment: { shift: 2 }',
    dir: 'dir: ./mnist',
  },
  csv: {
    csv: 'csv: houses.csv',
    'csv.train': 'csv: { train: houses.csv }',
    'csv.validation': 'csv: { train: houses.csv, validation: later.csv }',
    'csv.test': 'csv: { train: houses.csv, test: test.csv }',
    target: 'target: [price, kind]',
    ignore: 'ignore: [id]',
    types: 'types: { zip: category }',
    missing: 'missing: mean',
    standardize: 'standardize: all',
    delimiter: "delimiter: ';'",
    decimal: "decimal: ','",
    validation: 'validation: 0.2',
    test: 'test: 500',
    batchSize: 'batchSize: 32',
  },
  images: {
    images: 'images: ./photos',
    size: 'size: [96, 128]',
    channels: 'channels: 1',
    fit: 'fit: squeeze',
    scale: 'scale: symmetric',
    normalize: 'normalize: { mean: [0.49, 0.45, 0.41], deviation: [0.23, 0.22, 0.22] }',
    'normalize.mean': 'normalize: { mean: [0.5, 0.5, 0.5], deviation: [1, 1, 1] }',
    'normalize.deviation': 'normalize: { mean: [0, 0, 0], deviation: [0.2, 0.2, 0.2] }',
    augment: 'augment: { flip: horizontal, shift: 4 }',
    'augment.flip': 'augment: { flip: horizontal }',
    'augment.shift': 'augment: { shift: 4 }',
    'augment.crop': 'augment: { crop: 0.8 }',
    'augment.jitter': 'augment: { jitter: { brightness: 0.2 } }',
    'augment.jitter.brightness': 'augment: { jitter: { brightness: 0.2 } }',
    'augment.jitter.contrast': 'augment: { jitter: { contrast: 0.2 } }',
    'augment.jitter.saturation': 'augment: { jitter: { saturation: 0.2 } }',
    validation: 'validation: 0.2',
    test: 'test: 100',
    batchSize: 'batchSize: 32',
  },
  inputs: {
    inputs: "inputs: { left: 'data.npz#l', right: 'data.npz#r' }",
    'inputs.train': 'inputs: { train: x.npy }\nlabels: { train: y.npy }',
    'inputs.validation':
      'inputs: { train: x.npy, validation: v.npy }\nlabels: { train: y.npy, validation: w.npy }',
    'inputs.test': 'inputs: { train: x.npy, test: t.npy }\nlabels: { train: y.npy, test: u.npy }',
    labels: 'labels: y.npy',
    'labels.train': 'inputs: { train: x.npy }\nlabels: { train: y.npy }',
    'labels.validation':
      'inputs: { train: x.npy, validation: v.npy }\nlabels: { train: y.npy, validation: w.npy }',
    'labels.test': 'inputs: { train: x.npy, test: t.npy }\nlabels: { train: y.npy, test: u.npy }',
    classes: 'classes: [daisy, rose]',
    weights: 'weights: w.npy',
    'weights.train': 'weights: { train: w.npy }',
    'weights.validation': 'weights: { train: w.npy, validation: v.npy }',
    'weights.test': 'weights: { train: w.npy, test: t.npy }',
    scale: 'scale: none',
    validation: 'validation: 0.2',
    test: 'test: 100',
    batchSize: 'batchSize: 32',
  },
  text: {
    text: 'text: mails.jsonl',
    'text.train': 'text: { train: mails.jsonl }',
    'text.validation': 'text: { train: mails.jsonl, validation: later.jsonl }',
    'text.test': 'text: { train: mails.jsonl, test: test.jsonl }',
    field: 'field: body',
    label: 'label: folder',
    delimiter: "delimiter: ';'",
    unit: 'unit: character',
    length: 'length: 200',
    words: 'words: 5000',
    validation: 'validation: 0.2',
    test: 'test: 100',
    batchSize: 'batchSize: 32',
  },
  use: {
    use: "use: './data.mjs#factory'",
    options: 'options: { size: 100 }',
    batchSize: 'batchSize: 32',
  },
  train: {
    name: 'name: dense',
    epochs: 'epochs: 20',
    batchSize: 'batchSize: 32',
    learningRate: 'learningRate: { cosine: { initial: 0.01 } }',
    rateFactors: "rateFactors: [{ parameters: 'conv1/*', factor: 0.1 }]",
    'rateFactors.parameters': "rateFactors: [{ parameters: 'conv1/*', factor: 0.1 }]",
    'rateFactors.factor': "rateFactors: [{ parameters: 'conv1/*', factor: 0 }]",
    freeze: "freeze: ['block_*', '!block_9']",
    optimizer: 'optimizer: sgd',
    'optimizer.name': 'optimizer: { name: adam }',
    'optimizer.beta1': 'optimizer: { name: adam, beta1: 0.8 }',
    'optimizer.beta2': 'optimizer: { name: adam, beta2: 0.99 }',
    'optimizer.epsilon': 'optimizer: { name: adam, epsilon: 0.001 }',
    'optimizer.momentum': 'optimizer: { name: sgd, momentum: 0.9 }',
    'optimizer.nesterov': 'optimizer: { name: sgd, momentum: 0.9, nesterov: true }',
    schedules: "schedules: [{ plugin: agp, parameters: '**/kernel' }]",
    earlyStopping: 'earlyStopping: { patience: 5 }',
    'earlyStopping.metric': 'earlyStopping: { metric: validationLoss, patience: 5 }',
    'earlyStopping.better': 'earlyStopping: { metric: loss, better: lower, patience: 5 }',
    'earlyStopping.patience': 'earlyStopping: { patience: 5 }',
    'earlyStopping.minDelta': 'earlyStopping: { patience: 5, minDelta: 0.001 }',
    keepBest: 'keepBest: true',
    'keepBest.from': 'keepBest: { from: 15 }',
    continueSlots: 'continueSlots: true',
  },
  schedule: {
    use: "use: 'pruners#agp'",
    options: 'options: { final: 0.8 }',
    plugin: 'plugin: agp',
    parameters: "parameters: ['**/kernel', '!head/*']",
    start: 'start: 2',
    end: 'end: 15',
    every: 'every: 2',
    'every.steps': 'every: { steps: 50 }',
  },
  apply: {
    name: 'name: share',
    use: "use: 'quantize-kmeans#kmeans'",
    options: 'options: { clusters: 16 }',
    plugin: 'plugin: agp',
    parameters: "parameters: '**/kernel'",
  },
  rates: {
    'step.initial': 'learningRate: { step: { initial: 0.01, every: 5, factor: 0.5 } }',
    'step.every': 'learningRate: { step: { initial: 0.01, every: 5, factor: 0.5 } }',
    'step.factor': 'learningRate: { step: { initial: 0.01, every: 5, factor: 0.5 } }',
    'multiStep.initial': 'learningRate: { multiStep: { initial: 0.01, milestones: [10, 15], factors: 0.1 } }',
    'multiStep.milestones':
      'learningRate: { multiStep: { initial: 0.01, milestones: [10, 15], factors: 0.1 } }',
    'multiStep.factors':
      'learningRate: { multiStep: { initial: 0.01, milestones: [10, 15], factors: [0.1, 0.5] } }',
    'exponential.initial': 'learningRate: { exponential: { initial: 0.01, factor: 0.9 } }',
    'exponential.factor': 'learningRate: { exponential: { initial: 0.01, factor: 0.9 } }',
    'polynomial.initial': 'learningRate: { polynomial: { initial: 0.01 } }',
    'polynomial.final': 'learningRate: { polynomial: { initial: 0.01, final: 0.0001 } }',
    'polynomial.power': 'learningRate: { polynomial: { initial: 0.01, power: 2 } }',
    'cosine.initial': 'learningRate: { cosine: { initial: 0.01 } }',
    'cosine.final': 'learningRate: { cosine: { initial: 0.01, final: 0.0001 } }',
    'cosine.warmup': 'learningRate: { cosine: { initial: 0.01, warmup: 1 } }',
    'plateau.initial': 'learningRate: { plateau: { initial: 0.01 } }',
    'plateau.factor': 'learningRate: { plateau: { initial: 0.01, factor: 0.5 } }',
    'plateau.patience': 'learningRate: { plateau: { initial: 0.01, patience: 3 } }',
    'plateau.metric': 'learningRate: { plateau: { initial: 0.01, metric: validationLoss } }',
    'plateau.better': 'learningRate: { plateau: { initial: 0.01, metric: loss, better: lower } }',
    'plateau.minDelta': 'learningRate: { plateau: { initial: 0.01, minDelta: 0.001 } }',
    'plateau.minimum': 'learningRate: { plateau: { initial: 0.01, minimum: 0.00001 } }',
  },
};

/** Keys whose own are in a section of theirs. */
const elsewhere = new Set([
  'data',
  'model',
  'layers',
  'loss',
  'metrics',
  'stages',
  'learningRate',
  'schedules',
]);

const alternatives = (schema) => (schema.anyOf ? schema.anyOf.flatMap(alternatives) : [schema]);

/** All keys of a schema, those of maps and lists in it too: `[path, schema, required]`. */
export function keysOf(schema, prefix = '', deep = (path) => !elsewhere.has(path)) {
  const found = new Map();
  for (const one of alternatives(schema)) {
    if (one.items && prefix !== '')
      for (const [path, key] of keysOf(one.items, prefix, deep)) if (!found.has(path)) found.set(path, key);
    const values = typeof one.additionalProperties === 'object' ? one.additionalProperties : undefined;
    if (values?.properties || values?.anyOf) {
      for (const [path, key] of keysOf(values, `${prefix}….`, deep))
        if (!found.has(path)) found.set(path, key);
    }
    for (const [name, value] of Object.entries(one.properties ?? {})) {
      const path = prefix + name;
      if (!found.has(path))
        found.set(path, { schema: value, required: one.required?.includes(name) ?? false });
      if (!deep(path)) continue;
      for (const [inner, key] of keysOf(value, `${path}.`, deep))
        if (!found.has(inner)) found.set(inner, key);
    }
  }
  return found;
}

/** The sections of the page and the schema of each. */
export function sectionsOf(schema) {
  const [train, apply] = schema.properties.stages.items.anyOf;
  const options = (one) => alternatives(one).find(({ properties }) => properties?.name);
  const forms = schema.properties.data.anyOf.filter(({ properties }) => properties);
  return {
    recipe: schema,
    model: alternatives(schema.properties.model).find(({ properties }) => properties?.from),
    loss: options(schema.properties.loss),
    metrics: options(schema.properties.metrics.anyOf[0].items),
    ...Object.fromEntries(forms.map((form) => [Object.keys(form.properties)[0], form])),
    train,
    schedule: train.properties.schedules.items,
    apply,
    rates: { anyOf: alternatives(train.properties.learningRate).filter(({ properties }) => properties) },
  };
}
