import '@tensorflow/tfjs-backend-cpu';
import { type Parameter, parametersOf } from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { type NameSources, namesOf } from '../src/names.js';

const { layers } = tfl;
const parameters = (...own: tfl.layers.Layer[]): Parameter[] => parametersOf(tfl.sequential({ layers: own }));

const named = (used: string[], sources: Omit<NameSources, 'used'> = {}): string[] => {
  const names = namesOf({ used, ...sources });
  return used.map((name) => names.parameter(name));
};

describe('names by rule', () => {
  it.each([
    ['conv1.weight', 'conv1/kernel'],
    ['module.conv1.weight', 'conv1/kernel'],
    ['features.module.10.weight', 'features.10/kernel'],
    ['module.layer1.0.conv1.bias', 'layer1.0.conv1/bias'],
    ['layer1.0.bn1.weight', 'layer1.0.bn1/gamma'],
    ['layer1.0.bn1.bias', 'layer1.0.bn1/beta'],
    ['layer2.0.downsample.0.weight', 'layer2.0.downsample.0/kernel'],
    ['layer2.0.downsample.1.weight', 'layer2.0.downsample.1/gamma'],
    ['encoder.weight', 'encoder/embeddings'],
    ['decoder.weight', 'decoder/kernel'],
    ['rnn.weight_ih_l0', 'rnn_l0/kernel'],
    ['rnn.weight_hh_l1', 'rnn_l1/recurrent_kernel'],
    ['rnn.bias_ih_l0', 'rnn_l0/bias'],
    ['rnn.cells.1.fc_gate_h.weight', 'rnn_l1/recurrent_kernel'],
  ])('%s is %s', (torch, ours) => expect(named([torch])).toEqual([ours]));
});

describe('names in a model', () => {
  const model = parameters(
    layers.conv2d({ name: 'layer1_0_conv1', filters: 2, kernelSize: 3, inputShape: [8, 8, 1] }),
    layers.batchNormalization({ name: 'layer1_0_bn1' }),
    layers.depthwiseConv2d({ name: 'dw', kernelSize: 3 }),
    layers.flatten(),
    layers.dense({ name: 'fc', units: 2 }),
  );

  it('are found although dots, dashes and underscores differ', () => {
    expect(
      named(['module.layer1.0.conv1.weight', 'layer1.0.bn1.weight', 'fc.bias'], { parameters: model }),
    ).toEqual(['layer1_0_conv1/kernel', 'layer1_0_bn1/gamma', 'fc/bias']);
  });

  it('are found although the layer is of another kind than its name tells', () => {
    expect(named(['dw.weight'], { parameters: model })).toEqual(['dw/depthwise_kernel']);
  });

  it('are taken in order when no name fits but the number of weights does', () => {
    const used = ['classifier.weight', 'features.10.weight', 'features.2.weight'];
    const names = namesOf({ used, parameters: model });
    expect(used.map((name) => names.parameter(name))).toEqual([
      'fc/kernel',
      'dw/depthwise_kernel',
      'layer1_0_conv1/kernel',
    ]);
    expect([...names.byOrder.keys()]).toEqual([
      'features.2.weight',
      'features.10.weight',
      'classifier.weight',
    ]);
  });

  it('that are not there are refused, with the nearest and the way out', () => {
    expect(() => named(['fcc.weight'], { parameters: model })).toThrow(
      /no parameter for fcc\.weight.*\n.*nearest is 'fc\/kernel'.*--names/,
    );
  });
});

describe('names by a table', () => {
  const model = parameters(
    layers.dense({ name: 'a', units: 2, inputShape: [3] }),
    layers.dense({ name: 'b', units: 1 }),
  );

  it('from PyTorch to here, prefixes left out on both sides', () => {
    const table = { 'module.fc1.weight': 'a/kernel', 'fc2.weight': 'b/kernel' };
    expect(named(['fc1.weight', 'module.fc2.weight'], { table, parameters: model })).toEqual([
      'a/kernel',
      'b/kernel',
    ]);
    expect(named(['fc1.weight'], { table })).toEqual(['a/kernel']);
  });

  it('as a list in the order of the model: weights, or everything', () => {
    expect(named(['y.weight'], { table: ['x.weight', 'y.weight'], parameters: model })).toEqual(['b/kernel']);
    const all = ['x.weight', 'x.bias', 'y.weight', 'y.bias'];
    expect(named(['y.bias'], { table: all, parameters: model })).toEqual(['b/bias']);
  });

  it('that does not fit the model is refused', () => {
    expect(() => named(['x'], { table: ['x'], parameters: model })).toThrow(
      /lists 1 names; the model has 2 weights/,
    );
    expect(() => named(['x'], { table: ['x'] })).toThrow(/needs a model/);
    expect(() => named(['x'], { table: { x: 'a/kernal' }, parameters: model })).toThrow(
      /Did you mean 'a\/kernel'/,
    );
  });
});
