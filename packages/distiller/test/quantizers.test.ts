import '@tensorflow/tfjs-backend-cpu';
import { parametersOf } from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { imported, said, stage, stageNames } from './schedule.js';

const quantizer = (definition: string, start = 0): string => `
quantizers:
  my_quantizer:
${definition.replace(/^/gm, '    ')}
policies:
  - quantizer: { instance_name: my_quantizer }
    starting_epoch: ${start}
    ending_epoch: 6
    frequency: 1
`;

describe('quantizers that train', () => {
  it.each([
    ['DorefaQuantizer', 'DoReFa'],
    ['PACTQuantizer', 'PACT'],
    ['WRPNQuantizer', 'WRPN'],
    ['QuantAwareTrainRangeLinearQuantizer', 'rounded to their range'],
  ])('%s', (className, about) => {
    const done = imported(quantizer(`class: ${className}\nbits_activations: 8\nbits_weights: 3`));
    expect(stageNames(done)).toEqual(['train', 'quantize']);
    expect(stage(done, 'quantize')).toEqual({
      name: 'quantize',
      use: '@espalier/quantize-kmeans#kmeans',
      options: { clusters: 8 },
      parameters: '**/kernel',
    });
    expect(said(done, 'lost')).toEqual([expect.stringContaining('8-bit activations')]);
    expect(said(done, 'changed')).toEqual([expect.stringContaining(about)]);
  });

  it('their other arguments are told, one by one', () => {
    const done = imported(
      quantizer(
        'class: QuantAwareTrainRangeLinearQuantizer\nbits_weights: 4\nmode: ASYMMETRIC_UNSIGNED\nema_decay: 0.999\nper_channel_wts: True\nquantize_inputs: True\nnum_bits_inputs: 8\nbits_bias: 16',
      ),
    );
    const lost = said(done, 'lost').join('\n');
    for (const name of [
      "'mode'",
      "'ema_decay'",
      "'per_channel_wts'",
      "'quantize_inputs'",
      "'num_bits_inputs'",
      'quantised biases',
    ]) {
      expect(lost).toContain(name);
    }
    expect(
      said(
        imported(
          quantizer('class: PACTQuantizer\nbits_weights: 2\nact_clip_init_val: 8\nact_clip_decay: 0.1'),
        ),
        'lost',
      ),
    ).toHaveLength(2);
  });

  it('must start in epoch 0, with bits that are bits', () => {
    expect(() => imported(quantizer('class: DorefaQuantizer\nbits_weights: 3', 2))).toThrow(
      /start in epoch 0/,
    );
    expect(() => imported(quantizer('class: DorefaQuantizer\nbits_weights: few'))).toThrow(
      /a number of bits/,
    );
  });

  it('that leave weights alone do nothing here', () => {
    const done = imported(quantizer('class: DorefaQuantizer\nbits_weights: 32\nbits_activations: 8'));
    expect(stageNames(done)).toEqual(['train']);
    expect(said(done, 'lost').join()).toMatch(/leaves the weights in float/);
  });
});

describe('overrides', () => {
  const overrides = `class: DorefaQuantizer
bits_weights: 3
bits_activations: null
overrides:
  conv1: { bits_weights: null, bits_activations: null }
  layer1.0.relu: { bits_weights: null, bits_activations: null }
  'layer2.*': { bits_weights: 4 }
  '(a|b)': { bits_weights: 4 }
  fc: { bits_weights: 8 }`;

  it('leave layers out, or give them bits of their own', () => {
    const done = imported(quantizer(overrides));
    expect(stage(done, 'quantize')).toMatchObject({
      options: { clusters: { 'layer2*/kernel': 16, 'fc/kernel': 256, '**': 8 } },
      parameters: ['**/kernel', '!conv1/kernel'],
    });
    expect(said(done, 'lost').join('\n')).toMatch(
      /bits_activations of 'conv1'.*\n.*'layer1.0.relu'.*\n.*'\(a\|b\)' is beyond the globs/,
    );
  });

  it('of layers that the model does not have are told', () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [1] })] });
    const done = imported(
      quantizer(
        'class: DorefaQuantizer\nbits_weights: 3\noverrides: { conv9: { bits_weights: 5 }, fc: { bits_weights: 5 } }',
      ),
      {
        parameters: parametersOf(model),
      },
    );
    expect(stage(done, 'quantize')).toMatchObject({ options: { clusters: { 'fc/kernel': 32, '**': 8 } } });
    expect(said(done, 'lost')).toEqual([expect.stringContaining("no layer 'conv9'")]);
  });

  it('alone, where the rest stays float', () => {
    const done = imported(
      quantizer('class: DorefaQuantizer\nbits_weights: null\noverrides: { fc: { bits_weights: 2 } }'),
    );
    expect(stage(done, 'quantize')).toMatchObject({
      options: { clusters: { 'fc/kernel': 4 } },
      parameters: 'fc/kernel',
    });
  });
});

describe('post-training quantisation', () => {
  const definition = (more = ''): string =>
    `quantizers:\n  ptq:\n    class: PostTrainLinearQuantizer\n${more.replace(/^/gm, '    ')}`;

  it('needs no policy and no training', () => {
    const done = imported(
      definition(
        'bits_activations: 6\nbits_parameters: 6\nbits_accum: 32\nmode: SYMMETRIC\nper_channel_wts: True\nclip_acts: AVG',
      ),
    );
    expect(done.recipe.stages).toEqual([
      {
        name: 'quantize',
        use: '@espalier/quantize-kmeans#kmeans',
        options: { clusters: 64 },
        parameters: '**/kernel',
      },
    ]);
    expect(said(done, 'defect')).toEqual([]);
    expect(said(done, 'lost')).toHaveLength(5);
    expect(said(done, 'changed')).toEqual([expect.stringContaining('codebook')]);
  });

  it('is 8 bits by default; of full precision nothing is left', () => {
    expect(stage(imported(definition('mode: SYMMETRIC')), 'quantize')).toMatchObject({
      options: { clusters: 256 },
    });
    expect(() => imported(definition('bits_activations: null\nbits_weights: null'))).toThrow(
      /there is no recipe/,
    );
  });
});

describe('patterns', () => {
  it('that globs can say are globs; a full name is an exception to them', () => {
    const done = imported(`quantizers:
  ptq:
    class: PostTrainLinearQuantizer
    bits_activations: null
    bits_parameters: null
    overrides:
      layer.*conv.*: { bits_activations: null, bits_weights: 4 }
      .*downsample\\.0.*: { bits_weights: 5 }
      layer.*relu.*: { bits_activations: 4 }
      layer4.1.conv2: { bits_weights: null }
`);
    expect(stage(done, 'quantize')).toMatchObject({
      options: { clusters: { 'layer*conv*/kernel': 16, '*downsample.0*/kernel': 32 } },
      parameters: ['layer*conv*/kernel', '*downsample.0*/kernel', '!layer4.1.conv2/kernel'],
    });
  });
});
