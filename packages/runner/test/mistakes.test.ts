import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { cli } from '../src/command-line.js';
import { folder, tinyCifar, tinyRecipe } from './fixtures.js';
import { recipes } from './recipe-mistakes.js';

let home: string;
let data: string;
let written: string[];

beforeAll(() => {
  home = folder();
  data = tinyCifar(join(home, 'data'), 20);
  process.chdir(home);
});
beforeEach(() => {
  written = [];
  const take = (text: string | Uint8Array): boolean => written.push(String(text)) > 0;
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});

/** What a command says that was told something wrong: in words, with the value, exit code 1 or 2, no stack. */
async function said(args: readonly string[]): Promise<string> {
  const code = await cli([...args]);
  const text = written.join('').replaceAll(home, 'HOME');
  expect([code, text]).toEqual([
    expect.toSatisfy((c) => c === 1 || c === 2),
    expect.stringMatching(/error: /),
  ]);
  expect(text).not.toMatch(
    /\n {4}at |Invalid input|TypeError|RangeError|ReferenceError|SyntaxError|of undefined/,
  );
  return text;
}

describe('a mistake in a recipe', () => {
  it.each(recipes.map((mistake, i) => [`${i}: ${String(mistake[1]).slice(0, 60)}`, mistake] as const))(
    '%s',
    async (_, [from, to, at, says]) => {
      const own = folder();
      mkdirSync(join(own, 'graph'));
      const graph = { format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] };
      writeFileSync(join(own, 'graph', 'model.json'), JSON.stringify(graph));
      let before = '';
      const file = tinyRecipe(own, data, (text) => {
        before = text;
        return text.replace(from, () => to);
      });
      expect(before.replace(from, () => to)).not.toBe(before);
      const text = (await said(['run', file, '--backend', 'cpu', '--out', join(own, 'out')])).replaceAll(
        own,
        '',
      );
      if (at !== undefined) expect(text.replaceAll('/recipe.yaml', 'mistake.yaml')).toMatch(at);
      expect(text).toMatch(says);
    },
  );
});

const lines: readonly [string, string[], RegExp][] = [
  ['a command that is none', ['runn', 'x'], /no command 'runn'.*Did you mean 'run'/s],
  ['constructor as a command', ['constructor'], /no command 'constructor'/],
  ['no recipe', ['run'], /recipe/i],
  ['a missing recipe', ['run', 'none.yaml'], /no file none\.yaml/],
  ['a folder as recipe', ['run', '.'], /\. is a folder/],
  ['an argument too many', ['run', 'a.yaml', 'b.yaml'], /too many: 'b\.yaml'/],
  ['an unknown option', ['run', 'a.yaml', '--sets', '3'], /no option '--sets'.*Did you mean '--set'/s],
  ['a seed that is none', ['run', 'a.yaml', '--seed', 'x'], /--seed is x/],
  ['a negative seed', ['run', 'GOOD', '--seed=-3'], /-3/],
  ['a size that is none', ['run', 'GOOD', '--size', '0'], /--size is '0'.*100kB/s],
  ['a size that nothing steers to', ['run', 'GOOD', '--size', '1kB'], /steers the file to 1000 bytes/],
  ['a backend that is none', ['run', 'GOOD', '--backend', 'cuda'], /no backend 'cuda'/],
  ['--set without =', ['run', 'GOOD', '--set', 'epochs'], /there is no '='/],
  ['--set of nothing', ['run', 'GOOD', '--set', 'stages.7.epochs=1'], /there is no '7'/],
  [
    '--set in a section that is none',
    ['run', 'GOOD', '--set', 'encod.size=1'],
    /no key 'encod'.*Did you mean 'encode'/s,
  ],
  ['--set of what is not YAML', ['run', 'GOOD', '--set', 'seed=[1'], /--set seed/],
  ['--set of a wrong value', ['run', 'GOOD', '--set', 'seed=x'], /seed.*found "x"/s],
  [
    'a search without a section',
    ['search', 'GOOD', '--trials', '3', '--backend', 'cpu'],
    /no 'search' section/,
  ],
  ['no trials', ['search', 'GOOD', '--trials', '0'], /--trials is 0/],
  ['trials that are no number', ['search', 'GOOD', '--trials', 'x'], /--trials is x/],
  ['an unknown order', ['inspect', 'x', '--sort', 'size'], /no order 'size'/],
  ['a missing model', ['inspect', 'none.esp'], /none\.esp/],
  ['a missing schedule', ['import-distiller', 'none.yaml'], /no schedule none\.yaml/],
  ['a schedule without an end', ['import-distiller', 'ENDLESS'], /ending_epoch is 1000000000/],
  ['a schedule inside itself', ['import-distiller', 'CYCLE'], /alias of what it stands in/],
  ['restarts of no length', ['import-distiller', 'RESTARTS'], /T_0 is 0: a number >= 1 is wanted/],
  ['milestones that are no list', ['import-distiller', 'MILESTONES'], /milestones is 3: a list of numbers/],
  ['epochs of a command line', ['import-distiller', 'GOOD', '--epochs', '1e9'], /./],
  ['an evaluation without data', ['evaluate', 'x'], /data/],
  [
    'an evaluation of nothing',
    ['evaluate', 'none.json', '--data', 'mnist', '--backend', 'cpu'],
    /none\.json/,
  ],
  ['an address that is no fleet', ['worker', '--fleet', 'http://x'], /no postgres:\/\/ address/],
  // Before a database is asked for, which may not be there yet, and is waited for.
  ['a negative limit', ['worker', '--fleet', 'postgres://127.0.0.1:1/x', '--expiry=-1'], /--expiry is '-1'/],
  ['a lease of nothing', ['worker', '--fleet', 'postgres://127.0.0.1:1/x', '--lease', '0'], /--lease is '0'/],
  ['an action of a fleet that is none', ['fleet', 'stop'], /no action 'stop'/],
  ['a port that is none', ['studio', '--port', '99999'], /--port is '99999'/],
  [
    'a quality that is none',
    ['compress', 'x', '--out', 'y.esp', '--quality', 'banana'],
    /--quality is 'banana'/,
  ],
  ['a shell that is none', ['completion', 'nosuch'], /no shell 'nosuch'/],
  ['levels that are none', ['sensitivity', 'x', '--data', 'mnist', '--levels', 'a'], /--levels is 'a'/],
];

describe('a mistake on the command line', () => {
  it.each(lines)('%s', async (_, args, says) => {
    const lr = (config: string): string =>
      `lr_schedulers:\n  lr: { class: ${config} }\npolicies:\n  - { lr_scheduler: { instance_name: lr }, starting_epoch: 0, ending_epoch: 9, frequency: 1 }\n`;
    const files: Record<string, string> = {
      ENDLESS: lr('ExponentialLR, gamma: 0.9').replace('ending_epoch: 9', 'ending_epoch: 1e9'),
      CYCLE: 'pruners: &x { a: *x }\n',
      RESTARTS: lr('CosineAnnealingWarmRestarts, T_0: 0'),
      MILESTONES: lr('MultiStepLR, milestones: 3'),
    };
    const given = args.map((arg) => {
      if (arg === 'GOOD') return tinyRecipe(folder(), data);
      if (!Object.hasOwn(files, arg)) return arg;
      const file = join(folder(), 'schedule.yaml');
      writeFileSync(file, files[arg]);
      return file;
    });
    expect(await said(given)).toMatch(says);
  });
});
