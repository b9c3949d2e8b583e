import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { espalier, folder } from './fixtures.js';

vi.setConfig({ testTimeout: 300_000 });

const schedule = `# python3 compress_classifier.py -a lenet --lr=0.05 --epochs 6 --compress=schedule.yaml
version: 1
pruners:
  convolutions: { class: AutomatedGradualPruner, initial_sparsity: 0.05, final_sparsity: 0.6, weights: [module.a.weight, module.b.weight] }
  units: { class: SensitivityPruner, sensitivities: { module.c.weight: 0.8, module.d.weight: 0.6 } }
policies:
  - { pruner: { instance_name: convolutions }, starting_epoch: 0, ending_epoch: 4, frequency: 1 }
  - { pruner: { instance_name: units, args: { keep_masks: True } }, starting_epoch: 0, ending_epoch: 4, frequency: 2 }
`;
let home: string;
let file: string;
beforeAll(() => {
  home = folder();
  file = join(home, 'schedule.yaml');
  writeFileSync(file, schedule);
});

describe('espalier import-distiller', () => {
  it('prints a recipe, and on stderr what there is to say', async () => {
    const { code, stdout, stderr } = await espalier(['import-distiller', file]);
    expect(code).toBe(0);
    expect(stdout).toContain('parameters: [ a/kernel, b/kernel ]');
    expect(stdout).toContain('epochs: 6');
    expect(stderr).toMatch(
      /schedule\.yaml:8:\d+: known fault: a pruner policy has no argument 'keep_masks'.*Did you mean 'keep_mask'/,
    );
  });

  it('writes it for a model, names by order, to a file that is checked as any recipe is', async () => {
    const out = join(home, 'recipe.yaml');
    const { code, stdout } = await espalier([
      'import-distiller',
      file,
      '-o',
      out,
      '--model',
      'lenet-5',
      '--data',
      'mnist',
      '--lr',
      '0.01',
    ]);
    expect([code, stdout]).toEqual([0, '']);
    const yaml = readFileSync(out, 'utf8');
    expect(yaml).toContain('# - conv1/kernel is a.weight by its place in the order: please check');
    expect(yaml).toMatch(/name: schedule\n\ndata: \{ name: mnist, batchSize: 256 \}\nmodel: lenet-5/);
    expect(yaml).toContain('learningRate: 0.01');
    // The recipe is read and its names are found; only its data set is not one.
    const run = await espalier(['run', out, '--set', 'data.name=mnistt', '--out', join(home, 'out')]);
    expect(run.stderr).toMatch(/mnistt/);
  });

  it('takes a table of names, and prints JSON', async () => {
    const table = join(home, 'table.yaml');
    writeFileSync(table, '- a.weight\n- b.weight\n- c.weight\n- d.weight\n');
    const { stdout } = await espalier([
      'import-distiller',
      file,
      '--names',
      table,
      '--model',
      'lenet-5',
      '--json',
    ]);
    const { names, recipe, notes, yaml } = JSON.parse(stdout);
    expect(names).toEqual({
      'a.weight': 'conv1/kernel',
      'b.weight': 'conv2/kernel',
      'c.weight': 'fc1/kernel',
      'd.weight': 'fc2/kernel',
    });
    expect(recipe.stages[0].schedules[1].options).toEqual({
      sensitivity: { 'fc1/kernel': 0.8, 'fc2/kernel': 0.6 },
    });
    expect(notes).toHaveLength(1);
    expect(yaml).toContain('stages:');
  });

  it.each([
    ['a file that is not there', ['nowhere.yaml'], /There is no schedule nowhere\.yaml/],
    ['an unknown option', ['FILE', '--modle', 'lenet-5'], /--modle/],
    ['a number that is none', ['FILE', '--epochs', '2.5'], /--epochs is 2\.5.*\n.*whole number/],
    ['an unknown model', ['FILE', '--model', 'lenet-6'], /Did you mean 'lenet-5'/],
    [
      'a model with other weights',
      ['FILE', '--model', 'lenet-300-100'],
      /no parameter for a\.weight, b\.weight.*\n.*--names/,
    ],
    ['a table that is none', ['FILE', '--names', 'FILE'], /neither a map of names nor a list/],
  ])('refuses %s', async (_, args, message) => {
    const out = join(home, 'untouched.yaml');
    const { code, stderr } = await espalier([
      'import-distiller',
      ...args.map((a) => (a === 'FILE' ? file : a)),
      '-o',
      out,
    ]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});
