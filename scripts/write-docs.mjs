// Writes docs/cli.md and docs/recipe.md from the built runner: `node scripts/write-docs.mjs`, or with --check
// to fail when they are not up to date.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = new URL('../', import.meta.url);
const cli = fileURLToPath(new URL('packages/runner/dist/cli.js', root));

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

function table(schema) {
  const rows = Object.entries(schema.properties).map(([name, value]) => {
    const needed = schema.required?.includes(name) ? ' (required)' : '';
    const about = (value.description ?? '').replaceAll('|', '\\|');
    return `| \`${name}\`${needed} | ${typeOf(value).replaceAll('|', '\\|')} | ${about} |`;
  });
  return `| key | value | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
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
  return `### \`data: { ${Object.keys(form.properties)[0]}: … }\`\n\n${table(form)}`;
}

function recipePage() {
  const schema = JSON.parse(readFileSync(new URL('packages/runner/dist/recipe.schema.json', root), 'utf8'));
  const [train, apply] = schema.properties.stages.items.anyOf;
  const schedule = train.properties.schedules.items;
  const layers = schema.properties.model.anyOf.find(({ properties }) => properties?.layers).properties.layers;
  const { initializer, regularizer, constraint, activation } = schema.$defs;
  return `# Recipes

Written from the code by \`scripts/write-docs.mjs\`. The JSON schema for editors is
\`@espalier/runner/recipe.schema.json\`; in YAML, point to it with
\`# yaml-language-server: $schema=…\`.

A recipe in TypeScript is the default export of a module, typed by \`defineRecipe\` of \`@espalier/runner\`; there,
\`data\`, \`model\` and \`use\` may also be functions.

## The recipe

${table(schema)}
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

## A stage that trains

${table(train)}
## A schedule: a plugin bound to parameters and time

${table(schedule)}
## A stage that applies one plugin once

Prunes, quantises or transforms, whatever the plugin is.

${table(apply)}`;
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
