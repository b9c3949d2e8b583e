import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { examples, keysOf, sectionsOf } from '../../../scripts/lib/recipe-examples.mjs';
import { checkRecipe } from '../src/recipe/check.js';
import { recipeJsonSchema } from '../src/recipe/json-schema.js';

type Tree = Record<string, unknown>;

const schema = recipeJsonSchema() as Parameters<typeof sectionsOf>[0];
const page = readFileSync(new URL('../../../docs/recipe.md', import.meta.url), 'utf8');

/** A recipe that has what a section's example leaves out. */
function around(section: string, example: Tree): Tree {
  const stage = { name: 'dense', epochs: 20 };
  const least = {
    name: 'n',
    data: { name: 'mnist' },
    model: 'lenet-5',
    plugins: { agp: { use: 'pruners#agp' } },
    stages: [stage],
  };
  const forms: Tree = {
    name: { name: 'mnist' },
    csv: { csv: 't.csv', target: 'y' },
    images: { images: 'p' },
    inputs: { inputs: 'x.npy', labels: 'y.npy' },
    text: { text: 't.jsonl' },
    use: { use: './d.mjs#f' },
  };
  if (section in forms) return { ...least, data: { ...(forms[section] as Tree), ...example } };
  if (section === 'train' || section === 'rates') return { ...least, stages: [{ ...stage, ...example }] };
  if (section === 'schedule') {
    const plugin = 'plugin' in example ? {} : { use: 'pruners#agp' };
    return { ...least, stages: [{ ...stage, schedules: [{ ...plugin, ...example }] }] };
  }
  if (section === 'apply') {
    const plugin = 'plugin' in example ? {} : { use: 'pruners#agp' };
    return { ...least, stages: [stage, { name: 'once', ...plugin, ...example }] };
  }
  return { ...least, ...example };
}

describe.each(Object.entries(sectionsOf(schema)))('docs/recipe.md, %s', (section, of) => {
  const keys = [...keysOf(of)].filter(([path]) => section !== 'rates' || path.includes('.'));

  it('says of every key what it means', () => {
    expect(keys.length).toBeGreaterThan(0);
    const silent = keys.filter(([, key]) => !key.schema.description).map(([path]) => path);
    expect(silent).toEqual([]);
    const missing = keys.map(([path]) => path).filter((path) => !page.includes(`| \`${path}\``));
    expect(missing).toEqual([]);
  });

  it('shows each in an example that is right', () => {
    expect(Object.keys(examples[section]).sort()).toEqual(keys.map(([path]) => path).sort());
    for (const [path, text] of Object.entries(examples[section])) {
      const given = parse(text) as Tree;
      const steps = path.replaceAll('….', '').split('.');
      expect(text, path).toContain(steps.at(-1) as string);
      expect(checkRecipe(around(section, given)), text).not.toHaveProperty('problems');
      expect(
        text.split('\n').filter((line) => !page.includes(`\`${line}\``)),
        path,
      ).toEqual([]);
    }
  });
});

it('its whole recipes are right', () => {
  const [yaml] = /(?<=## A whole recipe\n\n```yaml\n)[\s\S]*?(?=```)/.exec(page)!;
  expect(checkRecipe(parse(yaml))).not.toHaveProperty('problems');
});
