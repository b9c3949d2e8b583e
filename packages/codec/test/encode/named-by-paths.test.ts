import { describe, expect, test } from 'vitest';
import type { ModelArtifacts } from '../../src/artifacts.js';
import { type LayerJson, layersModelOf, placedLayers, renameLayer } from '../../src/encode/layer-names.js';
import { namedByPaths, withDistinctNames } from '../../src/encode/named-by-paths.js';

const layer = (name: string, config: object = {}, more: object = {}): object => ({
  class_name: 'Dense',
  config: { name, ...config },
  ...more,
});
const sequential = (name: string, ...layers: object[]): object => ({
  class_name: 'Sequential',
  config: { name, layers },
});
const after = (...names: string[]): object => ({ inbound_nodes: [names.map((name) => [name, 0, 0, {}])] });

/** Of weights of these names; what they hold does not matter. */
const of = (modelTopology: object | undefined, ...names: string[]): ModelArtifacts => ({
  modelTopology: modelTopology as object,
  weightSpecs: names.map((name) => ({ name, shape: [1], dtype: 'float32' })),
});
const namesOf = ({ weightSpecs }: ModelArtifacts): string[] => (weightSpecs ?? []).map(({ name }) => name);

describe('weights with equal names', () => {
  /** `fc` in a frozen model, in one without a bias, in one in a wrapper, and by itself; `norm` in the first two. */
  const model = (): object =>
    sequential(
      'm',
      sequential('left', layer('fc', { trainable: false }), layer('norm', { trainable: false })),
      {
        class_name: 'Model',
        config: {
          name: 'right',
          layers: [
            layer('in', {}, { name: 'in' }),
            layer('fc', { use_bias: false }, { name: 'fc', ...after('in') }),
            layer('norm', { scale: false }, { name: 'norm', ...after('fc', 'in') }),
          ],
          input_layers: [['in', 0, 0]],
          output_layers: [
            ['norm', 0, 0],
            ['fc', 0, 0],
          ],
        },
      },
      layer('wrap', { layer: sequential('inner', layer('fc')) }),
      layer('fc'),
    );
  // As TF.js lists them: what is trained before what is frozen, but for what no training changes.
  const given = of(
    model(),
    ...['fc/kernel', 'norm/beta', 'fc/kernel', 'fc/bias', 'fc/kernel', 'fc/bias'],
    ...[
      'fc/kernel',
      'fc/bias',
      'norm/gamma',
      'norm/beta',
      'norm/moving_mean',
      'norm/moving_mean',
      'other/kernel',
    ],
  );

  test('are those of their layers, by their paths', () => {
    const named = namedByPaths(given);
    expect(namesOf(named)).toEqual([
      ...['right/fc/kernel', 'right/norm/beta', 'wrap/fc/kernel', 'wrap/fc/bias', 'fc/kernel', 'fc/bias'],
      ...['left/fc/kernel', 'left/fc/bias', 'left/norm/gamma', 'left/norm/beta'],
      ...['left/norm/moving_mean', 'right/norm/moving_mean', 'other/kernel'],
    ]);
    expect(withDistinctNames(given)).toEqual(named);
    expect(namesOf(given)[0]).toBe('fc/kernel');
    expect(given.modelTopology).toEqual(model());
  });

  test('and so are their layers, wherever they are mentioned', () => {
    const { modelTopology } = namedByPaths(given);
    const found = [...placedLayers(modelTopology as LayerJson)].map(({ layer: { config } }) => config.name);
    expect(found).toEqual(['left/fc', 'left/norm', 'in', 'right/fc', 'right/norm', 'wrap/fc', 'fc']);
    const right = (modelTopology as { config: { layers: LayerJson[] } }).config.layers[1]?.config;
    expect(right?.layers?.map(({ name, inbound_nodes }) => [name, inbound_nodes])).toEqual([
      ['in', undefined],
      ['right/fc', [[['in', 0, 0, {}]]]],
      [
        'right/norm',
        [
          [
            ['right/fc', 0, 0, {}],
            ['in', 0, 0, {}],
          ],
        ],
      ],
    ]);
    expect(right?.input_layers).toEqual([['in', 0, 0]]);
    expect(right?.output_layers).toEqual([
      ['right/norm', 0, 0],
      ['right/fc', 0, 0],
    ]);
  });

  test('stay where nothing is to be told apart, or it cannot be told whose they are', () => {
    const twice = sequential('m', sequential('a', layer('fc')), sequential('b', layer('fc')));
    for (const same of [
      of(sequential('m', layer('a'), layer('b')), 'a/kernel', 'b/kernel'),
      of(twice, 'fc/kernel', 'fc/kernel', 'fc/kernel'),
      of(twice, 'other/kernel', 'other/kernel'),
      of({ node: [] }, 'fc/kernel', 'fc/kernel'),
      of(undefined, 'fc/kernel', 'fc/kernel'),
      { modelTopology: twice },
    ] as ModelArtifacts[])
      expect(namedByPaths(same)).toBe(same);
    expect(namesOf(namedByPaths(of(twice, 'fc/kernel', 'fc/kernel')))).toEqual([
      'a/fc/kernel',
      'b/fc/kernel',
    ]);
    const distinct = of(twice, 'a/fc/kernel', 'b/fc/kernel');
    expect(withDistinctNames(distinct)).toBe(distinct);
    for (const broken of [undefined, {}, { weightSpecs: [null, null] }])
      expect(() => withDistinctNames(broken as ModelArtifacts)).not.toThrow();
  });
});

describe('the layers of a model', () => {
  test('are in its topology, or in that of its converter; a list of them is a model, too', () => {
    const model = sequential('m', layer('a'));
    const list = { class_name: 'Sequential', config: [layer('a')] };
    expect(layersModelOf(model)).toBe(model);
    expect(layersModelOf({ model_config: model })).toBe(model);
    expect(layersModelOf(list)).toBe(list);
    for (const other of [undefined, null, 5, [], {}, { node: [] }, layer('a'), { config: null }])
      expect(layersModelOf(other)).toBeUndefined();
    const inner = { class_name: 'Sequential', config: [layer('a'), { name: 'b', config: {} }, null, 5, {}] };
    expect([...placedLayers(inner as unknown as LayerJson, ['out'])].map(({ path }) => path)).toEqual([
      ['out', 'a'],
      ['out', 'b'],
    ]);
  });

  test('that are renamed leave others as they are', () => {
    const [a, b] = [layer('a', {}, { name: 'a' }), layer('b', {}, after('c', 'a'))] as LayerJson[];
    const model = { config: { name: 'm', layers: [a, b], output_layers: ['a', 0, 0] } };
    renameLayer(model, a as LayerJson, 'x');
    expect(model).toEqual({
      config: {
        name: 'm',
        layers: [layer('x', {}, { name: 'x' }), layer('b', {}, after('c', 'x'))],
        output_layers: ['x', 0, 0],
      },
    });
    renameLayer(model, b as LayerJson, 'y');
    expect(b).toEqual(layer('y', {}, after('c', 'x')));
    expect(model.config).not.toHaveProperty('input_layers');
  });
});
