import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { espalier, folder, tinyCifar } from './fixtures.js';

vi.setConfig({ testTimeout: 240_000 });

const example = fileURLToPath(new URL('../../../examples/bayesian-compression/', import.meta.url));

it.each(['groupNormalJeffreys', 'groupHorseshoe'])(
  'the CIFAR-10 recipe runs on files in its format, with few filters: %s',
  async (prior) => {
    const home = folder();
    const out = join(home, 'out');
    const layers = [];
    for (const [n, block] of [
      [0, [4, 4]],
      [2, [6]],
    ] as const) {
      for (const [i, filters] of block.entries()) {
        const at = n + i + 1;
        layers.push(
          `{ conv2d: { name: conv${at}, filters: ${filters}, kernelSize: 3, strides: 2, padding: same, useBias: false } }`,
          `{ batchNormalization: { name: bn${at} } }`,
          `{ activation: { activation: relu } }`,
        );
      }
    }
    layers.push('{ flatten: {} }', '{ dense: { name: fc1, units: 10, activation: softmax } }');
    const changes = [
      `data.dir=${tinyCifar(join(home, 'data'), 40)}`,
      'data.validation=40',
      'data.batchSize=20',
      `model={ layers: [${layers.join(', ')}] }`,
      `plugins.posterior.use=bayesian-layers#${prior}`,
      'plugins.posterior.options.threshold={ conv3/kernel: -20 }',
      'stages.0.epochs=2',
      'stages.1.epochs=4',
      'stages.3.epochs=3',
    ];
    const { code, stderr } = await espalier([
      'run',
      join(example, 'recipe-cifar10.yaml'),
      '--out',
      out,
      ...changes.flatMap((change) => ['--set', change]),
    ]);
    expect(stderr.replace(/^(WARNING: All log|I0000 ).*\n/gm, '').trim()).toBe('');
    expect(code).toBe(0);
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    expect(report.stages.map((stage: { name: string }) => stage.name)).toEqual([
      'dense',
      'bayes',
      'thin',
      'quantise',
    ]);
    expect(report.compressed.bytes).toBeLessThan(report.dense.bytes);
    // All rates of conv3 are above its threshold: its filters went, but for one.
    const conv3 = report.tensors.find((t: { name: string }) => t.name === 'conv3/kernel');
    expect(conv3.shape[3]).toBe(1);
    expect(Object.keys(report.paperRatios)).toEqual([
      'pruning',
      'pruning (paper)',
      'fast prediction (paper)',
      'maximum (paper)',
    ]);
    for (const { value } of Object.values(report.paperRatios) as { value: number }[]) {
      expect(value).toBeGreaterThanOrEqual(1);
    }
    const kinds = report.figures.map((figure: { kind: string }) => figure.kind);
    expect(kinds.filter((kind: string) => kind === 'map')).toHaveLength(8); // weights and rates of four kernels
    expect(report.figures[0].frames.length).toBeGreaterThanOrEqual(4);
  },
);
