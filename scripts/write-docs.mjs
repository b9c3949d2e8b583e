// Writes docs/cli.md and docs/recipe.md from the built runner: `node scripts/write-docs.mjs`, or with --check
// to fail when they are not up to date.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { examples, keysOf, sectionsOf } from './lib/recipe-examples.mjs';

const root = new URL('../', import.meta.url);
const cli = fileURLToPath(new URL('packages/runner/dist/cli.js', root));

const schema = JSON.parse(readFileSync(new URL('packages/runner/dist/recipe.schema.json', root), 'utf8'));
const sections = sectionsOf(schema);

function help(args) {
  const { stdout } = spawnSync(process.execPath, [cli, ...args, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  return stripVTControlCharacters(stdout)
    .replace(/[ \t]+$/gm, '')
    .trim();
}

function cliPage() {
  const overview = help([]);
  const names = [...overview.matchAll(/^\s*│?\s*([a-z][a-z-]+)\s{2,}\S/gm)].map((match) => match[1]);
  const pages = names.map((name) => `## espalier ${name}\n\n\`\`\`\n${help([name])}\n\`\`\`\n`);
  return `# The \`espalier\` command\n\nWritten from the code by \`scripts/write-docs.mjs\`.\n\nExit codes: 0 done, 1 failed, 2 wrong use.\n\n\`\`\`\n${overview}\n\`\`\`\n\n${pages.join('\n')}`;
}

/** The type of a schema in a few words. */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).filter(Boolean).join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {}) || 'values'}`;
  if (schema.type === 'object' && schema.properties) {
    return `{ ${Object.keys(schema.properties).join(', ')} }`;
  }
  return schema.type ?? '';
}

/** The keys of a section, those of maps in it too, each with an example. */
function table(schema, section, wanted = () => true) {
  const rows = [...keysOf(schema)]
    .filter(([path]) => wanted(path))
    .map(([path, { schema: value, required }]) => {
      const example = examples[section][path];
      if (!example || !value.description)
        throw new Error(`write-docs: ${section}: ${path} has no ${example ? 'description' : 'example'}.`);
      const needed = required && !path.includes('.') ? ' (required)' : '';
      const shown = example
        .split('\n')
        .map((line) => `\`${line}\``)
        .join('<br>');
      const cells = [typeOf(value), value.description, shown].map((text) => text.replaceAll('|', '\\|'));
      return `| \`${path}\`${needed} | ${cells.join(' | ')} |`;
    });
  return `| key | value | | example |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** Each layer with its options. */
function layerTable(layers) {
  const everywhere = ['name', 'trainable', 'inputShape', 'dtype'];
  const rows = Object.entries(layers).flatMap(([name, { properties, required = [] }]) => {
    if (properties === undefined) return []; // Refused, with a reason.
    const options = Object.entries(properties)
      .filter(([option, { not }]) => not === undefined && !everywhere.includes(option))
      .map(([option]) => `${option}${required.includes(option) ? ' (required)' : ''}`);
    return [`| \`${name}\` | ${options.join(', ')} |`];
  });
  return `| layer | options |\n| --- | --- |\n${rows.join('\n')}\n`;
}

/** Initializers and the like, with what they take. */
function family(id, { anyOf }) {
  const made = Object.entries(anyOf[1].properties).map(([name, { properties }]) => {
    const options = Object.keys(properties).join(', ');
    return `\`${name}\`${options && ` (${options})`}`;
  });
  return `- ${/^[aeiou]/.test(id) ? 'An' : 'A'} ${id} is one of ${made.join(', ')}; by its name, or with options as in \`{ ${Object.keys(anyOf[1].properties).at(-1)}: { … } }\`.`;
}

/** A form of `data`, under the key that tells it. */
function dataForm(form) {
  const [key] = Object.keys(form.properties);
  return `### \`data: { ${key}: … }\`\n\n${table(form, key)}`;
}

/** What losses are of, by the order of the schema: none may be missing. */
const lossWords = {
  categoricalCrossentropy: [
    'one class of several',
    'one-hot (or soft) rows, or numbers from 0',
    '-Σ y log p',
  ],
  sparseCategoricalCrossentropy: ['the same', 'the same: their shape tells which', ''],
  binaryCrossentropy: [
    'labels that are there or not',
    '0 or 1 for each unit',
    '-(y log p + (1 - y) log(1 - p))',
  ],
  meanSquaredError: ['numbers', 'of the shape of the output', '(x - y)²'],
  meanAbsoluteError: ['numbers', 'the same', '\\|x - y\\|'],
  huber: ['numbers', 'the same', 'e²/2 up to an error of delta, then a line'],
  cosineDistance: ['vectors', 'the same', '1 - cos(x, y)'],
  hinge: ['labels that are there or not', '1, and -1 or 0', 'max(0, 1 - y x)'],
  categoricalHinge: [
    'one class of several',
    'as for categoricalCrossentropy',
    'max(0, 1 - own + the highest other)',
  ],
  kullbackLeiblerDivergence: ['distributions', 'rows', 'Σ y log(y / p)'],
};

function lossTable(names) {
  const rows = names.map((name) => {
    const [of, labels, value] = lossWords[name] ?? [];
    if (of === undefined) throw new Error(`write-docs: what is the loss ${name} of?`);
    return `| \`${name}\` | ${of} | ${labels} | ${value} |`;
  });
  return `| loss | of | labels | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** The alternatives of a schema, those of its alternatives too. */
const alternatives = (schema) => (schema.anyOf ? schema.anyOf.flatMap(alternatives) : [schema]);

function lossSection({ loss }) {
  const names = alternatives(loss).find((one) => one.enum).enum;
  return `## \`loss\`

A name; a name with options; or a function \`(labels, outputs, weights?) => scalar\`: in TypeScript itself, in YAML by its name, as in \`loss: { use: ./loss.mjs#cubed }\`. Of several outputs a list, or each by the name of its layer:
\`loss: { kind: categoricalCrossentropy, price: { name: huber, weight: 0.5 } }\`. Default: categoricalCrossentropy; of numbers, meanSquaredError.

${lossTable(names)}
With options, as in \`{ name: categoricalCrossentropy, smoothing: 0.1 }\`:

${table(sections.loss, 'loss')}`;
}

function metricSection() {
  const options = sections.metrics;
  const names = alternatives(options.properties.name).find((one) => one.enum).enum;
  return `## \`metrics\` and \`goal\`

\`metrics: [f1, auc]\` are measured on the validation split after each epoch and stage, and on the test split at the end; of several outputs of each that they fit, or
\`metrics: { kind: [f1], price: [rmse, r2] }\`. \`goal: f1\` is what models are compared by: \`keepBest\`, \`earlyStopping\`, \`search\`, \`sensitivity\`, the report.
\`goal: { metric: own, better: lower }\` is for functions; \`goal: price/rmse\` for one output of several. Default: accuracy; of numbers \`metrics: [rmse]\` and \`goal: loss\`.
What each means is in the [readme of @espalier/metrics](../packages/metrics/README.md).

Names: ${names.map((name) => `\`${name}\``).join(', ')}; \`top3\` is \`{ name: topK, k: 3 }\`. Of one's own: a function \`(labels, outputs) => [n]\`, in YAML by its name, as in \`{ use: ./metrics.mjs#largest }\`. With options:

${table(options, 'metrics')}`;
}

/** Schedules of the learning rate. */
function rateSection(rates) {
  const rows = rates.anyOf.map(({ properties }) => {
    const [[name, { description }]] = Object.entries(properties);
    return `- \`${name}\`: ${description}`;
  });
  return `### \`learningRate\`

A number, or a schedule: \`learningRate: { cosine: { initial: 0.01, warmup: 1 } }\`. Default 0.001.

${rows.join('\n')}

${table(rates, 'rates', (path) => path.includes('.'))}`;
}

const whole = `## A whole recipe

\`\`\`yaml
name: prices
seed: 1
data: { csv: houses.csv, target: price, standardize: all, batchSize: 64 }
model:
  layers:
    - dense: { units: 64, activation: relu }
    - dense: { units: 64, activation: relu }
    - dense: { name: head, units: 1 }
loss: { name: huber, delta: 0.5 }
metrics: [rmse, r2]
goal: rmse
plugins:
  agp: { use: '@espalier/pruners#agp', options: { final: 0.8 } }
stages:
  - name: dense
    epochs: 20
    learningRate: { cosine: { initial: 0.005, warmup: 1 } }
    keepBest: true
    earlyStopping: { patience: 5 }
  - name: prune
    epochs: 20
    keepBest: { from: 15 }
    schedules:
      - { plugin: agp, parameters: '**/kernel', end: 15 }
  - { name: share, use: '@espalier/quantize-kmeans#kmeans', options: { clusters: 16 }, parameters: '**/kernel' }
  - { name: tune, epochs: 5, learningRate: 0.0005, keepBest: true }
search:
  bound: 0.3 # an rmse of at most 0.3
  paths: { plugins.agp.options.final: { from: 0.6, to: 0.95 } }
encode: { effort: 9 }
\`\`\`

The same in TypeScript, where values may be code:

\`\`\`ts no-run
import { defineRecipe } from '@espalier/runner';
import * as tf from '@tensorflow/tfjs';

export default defineRecipe({
  name: 'prices',
  data: { csv: 'houses.csv', target: 'price', standardize: 'all' },
  model: () => tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [8] })] }),
  loss: (labels, outputs) => tf.mean(tf.abs(tf.sub(labels, outputs))) as tf.Scalar,
  metrics: [function largest(labels, outputs) { return tf.max(tf.abs(tf.sub(labels, outputs)), 1); }, 'rmse'],
  goal: { metric: 'largest', better: 'lower' },
  stages: [{ name: 'dense', epochs: 20, keepBest: true }],
});
\`\`\`
`;

function recipePage() {
  const { train, apply, schedule, rates } = sections;
  const layers = schema.properties.model.anyOf.find(({ properties }) => properties?.layers).properties.layers;
  const { initializer, regularizer, constraint, activation } = schema.$defs;
  return `# Recipes

Written from the code by \`scripts/write-docs.mjs\`. The JSON schema for editors is
\`@espalier/runner/recipe.schema.json\`; in YAML, point to it with
\`# yaml-language-server: $schema=./node_modules/@espalier/runner/dist/recipe.schema.json\`.

A recipe in TypeScript is the default export of a module, typed by \`defineRecipe\` of \`@espalier/runner\`; there,
\`data\`, \`model\`, \`use\`, \`loss\` and \`metrics\` may also be functions.

## The recipe

${table(schema, 'recipe')}
${lossSection(schema.properties)}
${metricSection()}
## \`data\`

One of these forms; paths go from the recipe's folder. [Bring your data](guide/bring-your-data.md) shows each.

${schema.properties.data.anyOf
  .filter(({ properties }) => properties)
  .map(dataForm)
  .join('\n')}
## \`model: { layers: […] }\`

Layers follow one another; each is the name of a \`tf.layers\` function and its options, as in
\`{ conv2d: { filters: 20, kernelSize: 5 } }\`. An option that TF.js would pass over is refused. Every layer may have a
\`name\` and be \`trainable: false\`; the first one may give another \`inputShape\` than the data have, of the same
number of elements, and a \`dtype\`. Wrappers hold a layer, a recurrent layer or a cell:
\`{ bidirectional: { layer: { lstm: { units: 8 } } } }\`, \`{ rnn: { cell: [{ gruCell: { units: 8 } }] } }\`.

${layerTable(layers.prefixItems[0].properties)}
- An activation is one of ${activation.enum.map((name) => `\`${name}\``).join(', ')}.
${Object.entries({ initializer, regularizer, constraint })
  .map(([id, schema]) => family(id, schema))
  .join('\n')}

## \`model: { from: … }\`

A trained model, cut off after the layer \`until\`, and \`layers\` (as above) after it. It takes inputs of the data's size, whatever it was trained with;
none of its layers is frozen, whatever its file says: \`freeze\` of a stage does that.

${table(sections.model, 'model').replace(/list of \{[^}]*\}/, 'list of layers')}
## A stage that trains

${table(train, 'train')}
${rateSection(rates)}
## A schedule: a plugin bound to parameters and time

${table(schedule, 'schedule')}
## A stage that applies one plugin once

Prunes, quantises or transforms, whatever the plugin is.

${table(apply, 'apply')}
${whole}`;
}

let stale = 0;
for (const [file, text] of [
  ['docs/cli.md', cliPage()],
  ['docs/recipe.md', recipePage()],
]) {
  const url = new URL(file, root);
  if (!process.argv.includes('--check')) {
    writeFileSync(url, text);
  } else if (readFileSync(url, 'utf8') !== text) {
    console.error(`${file} is not up to date: run node scripts/write-docs.mjs`);
    stale++;
  }
}
process.exitCode = stale > 0 ? 1 : 0;
