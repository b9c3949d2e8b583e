import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { recipe, tinyBayesian } from './bayesian-recipe.js';
import { espalier, folder } from './fixtures.js';

vi.setConfig({ testTimeout: 240_000 });

it.each(['groupNormalJeffreys', 'groupHorseshoe'])(
  'the CIFAR-10 recipe runs on files in its format, with few filters: %s',
  async (prior) => {
    const home = folder();
    const out = join(home, 'out');
    const { code, stderr } = await espalier([
      'run',
      recipe,
      '--out',
      out,
      ...tinyBayesian(home, prior).flatMap((change) => ['--set', change]),
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
