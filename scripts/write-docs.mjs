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

function recipePage() {
  const schema = JSON.parse(readFileSync(new URL('packages/runner/dist/recipe.schema.json', root), 'utf8'));
  const [train, apply] = schema.properties.stages.items.anyOf;
  const schedule = train.properties.schedules.items;
  return `# Recipes

Written from the code by \`scripts/write-docs.mjs\`. The JSON schema for editors is
\`@espalier/runner/recipe.schema.json\`; in YAML, point to it with
\`# yaml-language-server: $schema=…\`.

A recipe in TypeScript is the default export of a module, typed by \`defineRecipe\` of \`@espalier/runner\`; there,
\`model\` and \`use\` may also be functions.

## The recipe

${table(schema)}
## \`data\`

${table(schema.properties.data)}
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
