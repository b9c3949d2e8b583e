import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRecipe, recipeJsonSchema } from '@espalier/runner';
import { describe, expect, it } from 'vitest';
import { folder } from './fixtures.js';

const good = `name: tiny
data: { name: mnist }
model: lenet-300-100
stages:
  - name: dense
    epochs: 2
    learningRate: 0.001
  - name: prune
    epochs: 3
    schedules:
      - use: '@espalier/pruners#agp'
        options: { final: 0.9 }
`;

/** The message a changed recipe is refused with. */
async function refused(from: string, to: string, set: string[] = []): Promise<string> {
  const file = join(folder(), 'recipe.yaml');
  writeFileSync(file, good.replace(from, to));
  const error = await loadRecipe(file, { set }).then(
    () => new Error('accepted'),
    (e: Error) => e,
  );
  return error.message.replaceAll(file, 'FILE');
}

describe('a recipe', () => {
  it('is read, changed and seeded', async () => {
    const file = join(folder(), 'recipe.yaml');
    writeFileSync(file, good);
    const { recipe } = await loadRecipe(file, {
      set: ['stages.1.epochs=5', 'stages.dense.epochs=7'],
      seed: 9,
    });
    expect(recipe.stages.map((stage) => 'epochs' in stage && stage.epochs)).toEqual([7, 5]);
    expect(recipe.seed).toBe(9);
  });

  it('names file, line, column, value and the nearest key', async () => {
    expect(await refused('epochs: 2', 'epoch: 2')).toMatch(/FILE:6:5: .*'epoch'.*Did you mean 'epochs'/);
    expect(await refused('model:', 'modle:')).toMatch(/FILE:3:1: .*'modle'.*Did you mean 'model'/);
    expect(await refused('options:', 'option:')).toMatch(/FILE:12:9: .*Did you mean 'options'/);
  });

  it('names wrong values', async () => {
    expect(await refused('epochs: 2', 'epochs: many')).toMatch(/FILE:6:13: stages.0.epochs: found "many"/);
    expect(await refused('epochs: 2', 'epochs: 0')).toMatch(/found 0/);
    expect(await refused('learningRate: 0.001', 'optimizer: adan')).toMatch(/FILE:7:16: .*found "adan"/);
    expect(await refused('learningRate: 0.001', 'learningRate: { cosin: { initial: 1 } }')).toMatch(/cosin/);
    expect(await refused('name: tiny\n', '')).toMatch(/'name' is missing/);
  });

  it('refuses what is not YAML, with its place', async () => {
    expect(await refused('data: { name: mnist }', 'data: { name: mnist')).toMatch(/FILE:\d+:\d+/);
  });

  it('refuses two stages of one name and a baseline that is no stage', async () => {
    expect(await refused('name: prune', 'name: dense')).toMatch(/two stages 'dense'/);
    expect(await refused('name: tiny', 'name: tiny\nbaseline: dens')).toMatch(/Did you mean 'dense'/);
  });

  it('refuses --set of a place that does not exist', async () => {
    expect(await refused('', '', ['stages.7.epochs=1'])).toMatch(/there is no '7'/);
    expect(await refused('', '', ['stages.0.epoch=1'])).toMatch(/Did you mean 'epochs'/);
  });

  it('refuses --set of what is not its own, and changes nobody else', async () => {
    for (const path of [
      '__proto__.x',
      'constructor.prototype.x',
      '__proto__',
      'stages.__proto__.x',
      'stages.length',
      'stages.2',
    ]) {
      expect(await refused('', '', [`${path}=1`])).toMatch(/there is no '/);
    }
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('refuses YAML that has no end', async () => {
    expect(await refused('data: { name: mnist }', 'data: &data { name: mnist, dir: *data }')).toMatch(
      /FILE:2:\d+: data.dir: it is an alias of what it stands in/,
    );
    expect(await refused('model: lenet-300-100', 'model: *nobody')).toMatch(/FILE: Unresolved alias/);
    expect(await refused('model: lenet-300-100', `model: ${'['.repeat(20_000)}`)).toMatch(/FILE/);
    const laughs = Array.from({ length: 9 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).slice(1);
    expect(await refused('model: lenet-300-100', `a0: &a0 [1]\n${laughs.join('\n')}`)).toMatch(
      /FILE: Excessive/,
    );
  });

  it('says when a file is missing', async () => {
    await expect(loadRecipe('no-such-recipe.yaml')).rejects.toThrow(/no file no-such-recipe.yaml/);
  });

  it('may be written in TypeScript', async () => {
    const file = join(folder(), 'recipe.ts');
    writeFileSync(
      file,
      `type Name = string;\nconst name: Name = 'typed';\nexport default { name, data: { name: 'mnist' }, model: 'lenet-5', stages: [{ name: 'dense', epochs: 1 }] };\n`,
    );
    expect((await loadRecipe(file, { set: ['stages.0.epochs=4'] })).recipe).toMatchObject({
      name: 'typed',
      stages: [{ epochs: 4 }],
    });
  });

  it('has a JSON schema for editors', () => {
    const schema = recipeJsonSchema() as { properties: Record<string, unknown> };
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(['name', 'seed', 'data', 'model', 'stages']),
    );
  });
});
