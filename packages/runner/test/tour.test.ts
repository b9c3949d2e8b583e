import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { npyBytes, writeNpy } from '@espalier/formats';
import { expect, it } from 'vitest';
import { flowers, redAndBlue, write } from '../../datasets/test/made.js';
import { pictureModel, writeModel } from '../../studio/test/models.js';
import { folder } from './fixtures.js';

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const guide = fileURLToPath(new URL('../../../docs/guide/getting-started.md', import.meta.url));

/** The commands of the tour, in their order, as a shell would part them. */
const commands = [...readFileSync(guide, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
  [...block.matchAll(/^npx espalier (.*?)\s*(?:#.*)?$/gm)].map(([, line]) => line.split(/\s+/)),
);

/** All that the tour takes for granted. */
async function whatOneHas(): Promise<string> {
  const home = folder();
  flowers(join(home, 'table.csv'));
  redAndBlue(join(home, 'photos'), 10);
  const examples = Float32Array.from({ length: 24 * 12 * 12 * 3 }, (_, i) => (i % 17) / 17);
  write(join(home, 'x.npy'), writeNpy([24, 12, 12, 3], examples));
  const labels = Uint8Array.from({ length: 24 }, (_, i) => i % 5);
  write(join(home, 'y.npy'), npyBytes({ name: 'y', shape: [24], type: 'uint8', bytes: labels }));
  const model = await pictureModel();
  for (const place of [home, join(home, 'model')]) writeModel(place, model);
  const mails = Array.from({ length: 40 }, (_, i) => ({
    text: `mail ${i} of it`,
    label: i % 2 ? 'spam' : 'ham',
  }));
  write(join(home, 'mails.jsonl'), mails.map((mail) => JSON.stringify(mail)).join('\n'));
  return home;
}

// Seven processes, one of which trains.
it('the commands of the tour do what it says, in its order', { timeout: 600_000 }, async () => {
  const home = await whatOneHas();
  expect(commands.map(([name]) => name)).toEqual([
    'doctor',
    'init',
    'init',
    'init',
    'init',
    'run',
    'compress',
  ]);
  let recipe = '';
  for (const command of commands) {
    const [name, ...rest] = command;
    // Whoever follows the tour has one kind of data: the run is of the first recipe, the others are by themselves.
    const own =
      name === 'init' ? ['--epochs', '2', ...(recipe === '' ? [] : ['--out', `${command[2]}.yaml`])] : [];
    const backend = name === 'run' ? ['--backend', 'cpu'] : [];
    const { stdout } = await run(process.execPath, [cli, name, ...rest, ...own, ...backend], { cwd: home });
    if (name === 'doctor') expect(stdout).toContain('wasm');
    if (name === 'init') recipe ||= readFileSync(join(home, 'recipe.yaml'), 'utf8');
  }
  expect(recipe).toContain('target: price');
  for (const file of ['model.esp', 'tfjs/model.json', 'report.html', 'report.json', 'recipe.yaml']) {
    expect(existsSync(join(home, 'runs/first', file)), file).toBe(true);
  }
  expect(existsSync(join(home, 'model.esp'))).toBe(true);
});
