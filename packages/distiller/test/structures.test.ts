import { describe, expect, it } from 'vitest';
import { imported, pruner, said, schedules } from './schedule.js';

const thinner = (epoch: number): string => `
  - extension: { instance_name: thinner }
    epochs: [${epoch}]
extensions:
  thinner: { class: FilterRemover, thinning_func_str: remove_filters, arch: a, dataset: d }
`;
const thinned = (definition: string, policy = ''): string => pruner(definition, policy) + thinner(9);
const once = (className: string, more = 'group_type: Filters'): string =>
  `class: ${className}\n${more}\ndesired_sparsity: 0.5\nweights: [a.weight, b.weight]`;
const gradual = (className: string, more = 'group_type: Filters'): string =>
  `class: ${className}_AGP\n${more}\ninitial_sparsity: 0.1\nfinal_sparsity: 0.5\nweights: [a.weight, b.weight]`;

describe('ranked structures', () => {
  const ranked = [
    ['L1RankedStructureParameterPruner', 'l1'],
    ['L2RankedStructureParameterPruner', 'l2'],
    ['ActivationAPoZRankedFilterPruner', 'apoz'],
    ['ActivationMeanRankedFilterPruner', 'mean-activation'],
    ['GradientRankedFilterPruner', 'taylor'],
    ['RandomRankedFilterPruner', 'random'],
  ] as const;

  it.each(ranked)('%s', (className, criterion) => {
    const parameters = ['a/kernel', 'b/kernel'];
    const options = { structure: 'filters', criterion };
    expect(schedules(imported(thinned(once(className))))[0]).toMatchObject({
      use: '@espalier/pruners-structured#structuredLevel',
      options: { ...options, sparsity: 0.5 },
      parameters,
    });
    expect(
      schedules(imported(thinned(gradual(className)).replace('epochs: [9]', 'epochs: [20]'), { epochs: 30 })),
    ).toEqual([
      {
        use: '@espalier/pruners-structured#structuredAgp',
        options: { ...options, initial: 0.1, final: 0.5 },
        parameters,
        end: 10,
      },
    ]);
  });

  it('masks the named weights alone where nothing is thinned, but for what activations tell', () => {
    const alone = (className: string): unknown =>
      schedules(imported(pruner(once(className))))[0].options?.tied;
    expect(alone('L1RankedStructureParameterPruner')).toBe(false);
    expect(alone('ActivationAPoZRankedFilterPruner')).toBeUndefined();
  });

  it('says where Distiller ranks the wrong way round', () => {
    const defects = (className: string): string => said(imported(thinned(once(className))), 'defect').join();
    expect(defects('ActivationMeanRankedFilterPruner')).toMatch(
      /highest mean activation; here the lowest go/,
    );
    expect(defects('GradientRankedFilterPruner')).toMatch(/with its sign/);
    expect(defects('ActivationAPoZRankedFilterPruner')).toBe('');
  });

  it('what is observed while training fires after thinning of the same epoch, which is told', () => {
    const done = imported(thinned(once('ActivationAPoZRankedFilterPruner')), { epochs: 10 });
    expect(said(done, 'changed').join()).toMatch(
      /in epoch 9 Distiller prunes first and thins then; here it thins first, because apoz is observed while training/,
    );
  });
});

describe('group types', () => {
  const options = (group: string): unknown =>
    schedules(imported(pruner(once('L1RankedStructureParameterPruner', group))))[0].options;

  it.each([
    ['group_type: Filters', { structure: 'filters', tied: false }],
    ["group_type: '3D'", { structure: 'filters', tied: false }],
    ['group_type: Channels', { structure: 'channels', tied: false }],
    ['group_type: Rows', { structure: 'rows' }],
    ['group_type: Blocks\nkwargs: { block_shape: [1, 8, 1, 1] }', { structure: 'blocks', block: [8, 1] }],
    ['group_type: Blocks\nkwargs: { block_shape: [4, 1, 1, 1] }', { structure: 'blocks', block: [1, 4] }],
    ['group_type: Blocks\nkwargs: { block_shape: [2, 8, 1, 1] }', { structure: 'blocks', block: [16, 1] }],
  ])('%s', (group, wanted) => {
    expect(options(group)).toEqual({ ...wanted, criterion: 'l1', sparsity: 0.5 });
  });

  it("tells what Distiller's rows and blocks really are", () => {
    const defects = (group: string): string =>
      said(imported(pruner(once('L1RankedStructureParameterPruner', group))), 'defect').join();
    expect(defects('group_type: Rows')).toMatch(/'Rows' are the columns of PyTorch's \[out, in\]/);
    expect(defects('group_type: Blocks\nkwargs: { block_shape: [2, 8, 1, 1] }')).toMatch(
      /16 neighbouring inputs of one filter/,
    );
  });

  it('that Distiller refuses', () => {
    expect(() => options('group_type: 4D')).toThrow(/no group type "4D"/);
    expect(() => options('group_type: Blocks')).toThrow(/want kwargs: block_shape/);
    expect(() => options('group_type: Blocks\nkwargs: { block_shape: [1, 8, 3, 3] }')).toThrow(
      /height and width 1 only/,
    );
    const filters = pruner(once('RandomRankedFilterPruner', 'group_type: Channels'));
    expect(() => imported(filters)).toThrow(/RandomRankedFilterPruner prunes Filters/);
    expect(() =>
      imported(pruner(once('RandomRankedFilterPruner', 'group_type: Filters\nkwargs: {}'))),
    ).toThrow(/takes no argument 'kwargs'/);
  });
});

describe('dependencies', () => {
  const residual = (dependency: string): string =>
    thinned(
      `class: L1RankedStructureParameterPruner_AGP\ninitial_sparsity: 0.1\nfinal_sparsity: 0.5\ngroup_type: Filters${dependency}
weights: [module.layer2.0.conv2.weight, module.layer2.0.downsample.0.weight, module.layer2.1.conv2.weight]`,
    );

  it('a leader ranks alone', () => {
    const done = imported(residual('\ngroup_dependency: Leader'));
    expect(schedules(done)[0].parameters).toBe('layer2.0.conv2/kernel');
    expect(said(done, 'changed').join()).toMatch(/layer2.0.conv2.weight leads/);
    expect(said(done, 'defect')).toEqual([]);
  });

  it('a leader takes what is tied to it along, thinned or not', () => {
    const led = once('L1RankedStructureParameterPruner', 'group_type: Filters\ngroup_dependency: Leader');
    const [item] = schedules(imported(pruner(led)));
    expect([item.parameters, item.options]).toEqual([
      'a/kernel',
      { structure: 'filters', criterion: 'l1', sparsity: 0.5 },
    ]);
  });

  it('a leader that is missing on residual adds', () => {
    const done = imported(residual(''));
    expect(schedules(done)[0].parameters).toHaveLength(3);
    expect(said(done, 'defect')).toEqual([
      expect.stringContaining('the outputs of layer2 are added up, but no Leader ties them'),
    ]);
  });

  it('a leader that is spelled wrong', () => {
    expect(said(imported(residual('\ngroup_dependency: leader')), 'defect').join()).toMatch(
      /knows 'Leader' only and takes "leader" for no dependency/,
    );
  });
});

describe('arguments that do not do what they say', () => {
  const l1 = (more: string): string =>
    pruner(once('L1RankedStructureParameterPruner', `group_type: Filters\n${more}`));
  it('noise, rounding_fn and group_size', () => {
    expect(said(imported(l1('noise: 0.2')), 'lost')).toEqual([
      expect.stringContaining('noise on the ranking'),
    ]);
    expect(said(imported(l1('noise: 0.0')), 'lost')).toEqual([]);
    expect(said(imported(l1('rounding_fn: ceil')), 'defect')).toEqual([
      expect.stringContaining('never looks at rounding_fn'),
    ]);
    const grouped = imported(l1('group_size: 8'));
    expect(schedules(grouped)[0].options).toMatchObject({ multipleOf: 8 });
    expect(said(grouped, 'defect')).toEqual([expect.stringContaining('Distiller crashes on it')]);
    expect(() => imported(l1('group_size: half'))).toThrow(/group_size is "half"/);
  });

  it('a gradual pruner with a list of epochs, or that fires once', () => {
    const yaml = pruner(gradual('L1RankedStructureParameterPruner'), '', 'epochs: [0, 4]');
    const done = imported(yaml);
    expect(schedules(done).map(({ options, start = 0 }) => [start, options?.sparsity])).toEqual([
      [0, 0.1],
      [4, 0.5],
    ]);
    expect(said(done, 'defect')).toEqual([expect.stringContaining('crashes on AGP with a list')]);
    expect(said(imported(yaml.replace('[0, 4]', '[4]')), 'defect').join()).toMatch(/fires once/);
  });
});

describe('structures by threshold', () => {
  it('one plugin per threshold and kind', () => {
    const done = imported(
      pruner(`class: StructureParameterPruner
threshold_criteria: Max
reg_regims:
  a.weight: [0.1, 2D]
  b.weight: [0.1, 2D]
  c.weight: [0.2, Rows]
  d.weight: [0.2, Cols]
  e.weight: [0.2, Channels]
  f.weight: [0.2, 3D]`),
    );
    expect(schedules(done).map(({ options, parameters }) => [options, parameters])).toEqual([
      [{ structure: 'kernels', criterion: 'max', threshold: 0.1 }, ['a/kernel', 'b/kernel']],
      [{ structure: 'columns', criterion: 'max', threshold: 0.2 }, 'c/kernel'],
      [{ structure: 'rows', criterion: 'max', threshold: 0.2 }, 'd/kernel'],
      [{ structure: 'channels', tied: false, criterion: 'max', threshold: 0.2 }, 'e/kernel'],
      [{ structure: 'filters', tied: false, criterion: 'max', threshold: 0.2 }, 'f/kernel'],
    ]);
  });

  it('by mean magnitude; what makes no sense is refused', () => {
    const yaml = pruner(
      'class: StructureParameterPruner\nthreshold_criteria: Mean_Abs\nreg_regims: { a.weight: [0.1, 3D] }',
    );
    expect(schedules(imported(yaml))[0].options).toMatchObject({ criterion: 'l1' });
    expect(() => imported(yaml.replace('Mean_Abs', 'Mean'))).toThrow(/Max or Mean_Abs/);
    expect(() => imported(yaml.replace('3D', '4D'))).toThrow(/not \[threshold, group type\]/);
  });
});
