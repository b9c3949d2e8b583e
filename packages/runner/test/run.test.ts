import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { espalier, folder, tinyCifar, tinyRecipe } from './fixtures.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

let data: string;
let home: string;
let recipe: string;
let done: string;

beforeAll(async () => {
  home = folder();
  data = tinyCifar(join(home, 'data'));
  recipe = tinyRecipe(home, data);
  done = join(home, 'done');
  const { code, stderr } = await espalier(['run', recipe, '--out', done]);
  expect(stderr.trim()).toBe('');
  expect(code).toBe(0);
});

describe('espalier run', () => {
  it('writes the whole folder, and a report that agrees with the files', () => {
    const files = readdirSync(done);
    for (const file of [
      'model.esp',
      'tfjs',
      'report.json',
      'report.html',
      'metrics.jsonl',
      'checkpoint',
      'recipe.yaml',
    ]) {
      expect(files).toContain(file);
    }
    const report = JSON.parse(readFileSync(join(done, 'report.json'), 'utf8'));
    expect(report.environment.versions).toMatchObject({ espalier: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(report.environment.versions.node).toBeUndefined(); // It stands beside them.
    expect(report.command).toMatch(/^npx espalier run /);
    expect(report.compressed.bytes).toBe(readFileSync(join(done, 'model.esp')).length);
    const plain = readdirSync(join(done, 'tfjs')).reduce(
      (sum, f) => sum + readFileSync(join(done, 'tfjs', f)).length,
      0,
    );
    expect(report.dense.bytes).toBe(plain);
    expect(report.ratio).toBeCloseTo(plain / report.compressed.bytes, 10);
    expect(report.dense.accuracy + report.dense.error).toBeCloseTo(1, 12);
    // 192·24 + 24 + 24·10 + 10 weights; each kernel keeps n - round(0.7 n) at most, biases stay.
    expect(report.dense.parameters).toBe(4882);
    expect(report.compressed.nonzero).toBeLessThanOrEqual(4608 - 3226 + 240 - 168 + 34);
    expect(report.stages.map((stage: { name: string }) => stage.name)).toEqual([
      'dense',
      'prune',
      'share',
      'tune',
    ]);
    expect(report.seed).toBe(7);
    expect(readFileSync(join(done, 'metrics.jsonl'), 'utf8').trim().split('\n')).toHaveLength(9);
  });

  it('shares at most the asked number of values, zero among them', async () => {
    const { stdout } = await espalier(['inspect', join(done, 'model.esp'), '--json']);
    const { tensors } = JSON.parse(stdout) as {
      tensors: { name: string; distinct: number; nonzero: number }[];
    };
    for (const { name, distinct } of tensors)
      if (name.endsWith('kernel')) expect(distinct).toBeLessThanOrEqual(8);
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    const again = join(folder(), 'again');
    await espalier(['run', recipe, '--out', again]);
    expect(hash(join(again, 'model.esp'))).toBe(hash(join(done, 'model.esp')));
    const other = join(folder(), 'other');
    await espalier(['run', recipe, '--out', other, '--seed', '8']);
    expect(hash(join(other, 'model.esp'))).not.toBe(hash(join(done, 'model.esp')));
  });

  it('gives the same bytes when it is killed and resumed, again and again', async () => {
    const out = join(folder(), 'killed');
    let kills = 0;
    for (let attempt = 0; attempt < 12; attempt++) {
      const { code, stderr } = await espalier(['run', recipe, '--out', out, '--resume'], (child) => {
        const wait = setInterval(() => {
          if (!existsSync(join(out, 'checkpoint', 'state.bin')) && attempt > 0) return;
          clearInterval(wait);
          if (attempt < 4) setTimeout(() => child.kill('SIGKILL'), [60, 25, 140, 75][attempt]);
        }, 5);
        child.on('close', () => clearInterval(wait));
      });
      if (code === 0) break;
      if (attempt >= 4) throw new Error(`It did not go on: ${stderr}`);
      kills++;
    }
    expect(kills).toBeGreaterThan(0);
    expect(hash(join(out, 'model.esp'))).toBe(hash(join(done, 'model.esp')));
    expect(readdirSync(join(out, 'checkpoint')).filter((f) => !f.endsWith('.tmp'))).toEqual(['state.bin']);
  });

  it('stops on Ctrl-C, says how to go on, and goes on', async () => {
    const out = join(folder(), 'stopped');
    const long = ['run', recipe, '--out', out, '--set', 'stages.0.epochs=100'];
    const stopped = await espalier(long, (child, output) => {
      const wait = setInterval(() => {
        if (!output().includes('epoch')) return;
        clearInterval(wait);
        child.kill('SIGINT');
      }, 5);
    });
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/Go on with: espalier run .* --resume/);
    expect(existsSync(join(out, 'model.esp'))).toBe(false);
    const resumed = await espalier([...long, '--resume']);
    expect(resumed.code).toBe(0);
  });

  it('leaves a folder alone that holds another run', async () => {
    const before = hash(join(done, 'model.esp'));
    const { code, stderr } = await espalier(['run', recipe, '--out', done]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/holds another run; nothing was overwritten/);
    expect(hash(join(done, 'model.esp'))).toBe(before);
  });

  it('does not resume a run of another recipe', async () => {
    const out = join(folder(), 'mixed');
    await espalier(['run', recipe, '--out', out], (child, output) => {
      const wait = setInterval(() => {
        if (!output().includes('[2/4]')) return;
        clearInterval(wait);
        child.kill('SIGKILL');
      }, 5);
      child.on('close', () => clearInterval(wait));
    });
    const { code, stderr } = await espalier(['run', recipe, '--out', out, '--resume', '--seed', '99']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/another recipe/);
  });

  it('is done when it is done', async () => {
    const { code, stdout } = await espalier(['run', recipe, '--out', done, '--resume', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(done, 'report.json'), 'utf8')));
  });
});

describe('a run that is resumed', () => {
  /** A run that was killed in its second stage. */
  async function killed(): Promise<string> {
    const out = join(folder(), 'killed');
    await espalier(['run', recipe, '--out', out], (child, output) => {
      const wait = setInterval(() => {
        if (!output().includes('[2/4]')) return;
        clearInterval(wait);
        child.kill('SIGKILL');
      }, 5);
      child.on('close', () => clearInterval(wait));
    });
    return out;
  }

  it('is not another one, also where it is done', async () => {
    for (const change of [
      ['--seed', '99'],
      ['--set', 'stages.0.epochs=4'],
    ]) {
      const { code, stderr } = await espalier(['run', recipe, '--out', done, '--resume', ...change]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/holds a run of another recipe/);
    }
  });

  it('does not train on a checkpoint that has changed, or cannot be read', async () => {
    const out = await killed();
    const file = join(out, 'checkpoint', 'state.bin');
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(file, bytes);
    const flipped = await espalier(['run', recipe, '--out', out, '--resume']);
    expect(flipped.code).toBe(1);
    expect(flipped.stderr).toMatch(/state\.bin is of no use: it is not what was written/);
    rmSync(file);
    mkdirSync(file);
    const unreadable = await espalier(['run', recipe, '--out', out, '--resume']);
    expect(unreadable.code).toBe(1);
    expect(unreadable.stderr).toMatch(/cannot be read \(not-regular\)/);
    expect(readdirSync(out)).not.toContain('model.esp');
  });
});

it('two runs do not mix in one folder, and what a dead one has left is no hindrance', async () => {
  const out = join(folder(), 'both');
  const both = await Promise.all([0, 1].map(() => espalier(['run', recipe, '--out', out])));
  expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
  expect(both.map(({ stderr }) => stderr).join('')).toMatch(/Another run is at work in .*|holds another run/);
  expect(hash(join(out, 'model.esp'))).toBe(hash(join(done, 'model.esp')));
  expect(readdirSync(out)).not.toContain('lock');
});

it('goes on where nobody reads any more', async () => {
  const out = join(folder(), 'piped');
  const { code } = await espalier(['run', recipe, '--out', out], (child) => {
    child.stdout?.once('data', () => child.stdout?.destroy());
  });
  expect(code).toBe(0);
  expect(hash(join(out, 'model.esp'))).toBe(hash(join(done, 'model.esp')));
});

describe('what it refuses, before anything is written', () => {
  const cases: [string, string, string, RegExp][] = [
    ['an unknown plugin', '#agp', '#agb', /no factory in .*'agb'.*Did you mean 'agp'/s],
    [
      'an unknown package',
      '@espalier/pruners#agp',
      '@espalier/prunerz#agp',
      /Did you mean '@espalier\/pruners'/,
    ],
    ['an unknown option of a plugin', 'final: 0.7', 'finale: 0.7', /Did you mean 'final'/],
    [
      'an unknown parameter',
      "'**/kernel'\n        end",
      "'dense_3/kernal'\n        end",
      /Did you mean 'dense_3\/kernel'/,
    ],
    ['an unknown data set', 'name: cifar10', 'name: cifar11', /cifar10/],
    ['an unknown layer', 'flatten:', 'flaten:', /Did you mean 'flatten'/],
    ['a schedule beyond the end', 'end: 3', 'end: 30', /ends at epoch 30, but training has 4/],
    ['an unknown architecture', 'model:\n', 'model: lenet-300\nbaseline: dense\nx:\n', /.*/],
  ];
  it.each(cases)('%s', async (_, from, to, message) => {
    const own = folder();
    const out = join(own, 'out');
    const file = tinyRecipe(own, data, (text) => text.replace(from, to));
    const { code, stderr } = await espalier(['run', file, '--out', out]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/recipe\.yaml:\d+:\d+: /);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(code).toBeGreaterThan(0);
    expect(existsSync(out)).toBe(false);
  });

  it('a model that is missing', async () => {
    const { code, stderr } = await espalier(['evaluate', join(home, 'nothing.json'), '--data', 'mnist']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/There is no model at/);
  });

  it('a loss that is not finite', async () => {
    const own = folder();
    const file = tinyRecipe(own, data, (text) => text.replace('learningRate: 0.01', 'learningRate: 1.0e+30'));
    const { code, stderr } = await espalier(['run', file, '--out', join(own, 'out')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/loss is (NaN|Infinity).*epoch 0.*Lower the learning rate/s);
    expect(existsSync(join(own, 'out', 'model.esp'))).toBe(false);
  });

  it('an unknown command, option or backend', async () => {
    expect((await espalier(['rum'])).stderr).toMatch(/Did you mean 'run'/);
    expect((await espalier(['run', recipe, '--outt', 'x'])).stderr).toMatch(/Did you mean '--out'/);
    expect((await espalier(['run', recipe, '--backend', 'wsam'])).stderr).toMatch(/Did you mean 'wasm'/);
    expect((await espalier(['run'])).code).toBe(2);
  });
});

describe('a plugin from outside the scope', () => {
  it('is loaded by its package name', async () => {
    const out = join(folder(), 'obd');
    const recipe = fileURLToPath(
      new URL('../../../examples/third-party-plugin/recipe.yaml', import.meta.url),
    );
    const model = '{ layers: [ { flatten: {} }, { dense: { units: 10, activation: softmax } } ] }';
    const set = [`data={ name: cifar10, dir: ${data}, validation: 50, batchSize: 10 }`, `model=${model}`];
    const { code, stderr } = await espalier([
      'run',
      recipe,
      '--out',
      out,
      ...set.flatMap((s) => ['--set', s]),
    ]);
    expect(stderr).not.toMatch(/error/);
    expect(code).toBe(0);
    const { compressed } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    // One kernel of 30,720 weights, 90 % of them pruned; 10 biases.
    expect(compressed.nonzero).toBeLessThanOrEqual(3072 + 10);
    expect(compressed.nonzero).toBeGreaterThan(1000);
  });
});

describe('an .esp file', () => {
  it('is inspected, unpacked and evaluated', async () => {
    const out = join(folder(), 'plain');
    expect((await espalier(['unpack', join(done, 'model.esp'), '-o', out])).code).toBe(0);
    expect((await espalier(['unpack', join(done, 'model.esp'), '-o', out])).stderr).toMatch(/not empty/);
    const results = [];
    for (const model of [out, join(done, 'model.esp')]) {
      const { stdout } = await espalier(['evaluate', model, '--data', 'cifar10', '--dir', data, '--json']);
      results.push(JSON.parse(stdout));
    }
    expect(results[0]).toEqual(results[1]);
    expect(results[0].size).toBe(60);
    expect(results[0].confusion.flat().reduce((a: number, b: number) => a + b)).toBe(60);
    const report = JSON.parse(readFileSync(join(done, 'report.json'), 'utf8'));
    expect(results[0].accuracy).toBeCloseTo(report.compressed.accuracy, 12);
  });

  it('is refused when it is damaged', async () => {
    const bytes = readFileSync(join(done, 'model.esp'));
    const file = join(folder(), 'bad.esp');
    for (const damage of [
      bytes.subarray(0, bytes.length - 1),
      Buffer.from(bytes).fill(bytes[200] ^ 1, 200, 201),
    ]) {
      writeFileSync(file, damage);
      const { code, stderr } = await espalier(['inspect', file]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: /);
      expect(stderr).not.toMatch(/\n {4}at /);
    }
  });
});

describe('a disk that is full', () => {
  it('loses nothing', async () => {
    const { spawnSync } = await import('node:child_process');
    const own = folder();
    const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
    // A limit on the size of files (in KiB) stands for a full disk: writing fails half-way.
    const command = `ulimit -f 16; exec "${process.execPath}" "${cli}" run "${recipe}" --out "${join(own, 'out')}"`;
    const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/Cannot write .*Nothing was overwritten/s);
    expect(existsSync(join(own, 'out', 'model.esp'))).toBe(false);
  });
});
