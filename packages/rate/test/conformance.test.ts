import '@tensorflow/tfjs-backend-cpu';
import { type Plugin, Run, train } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import { describe, expect, it } from 'vitest';
import { type RatePriorOptions, ratePrior } from '../src/index.js';
import { data, net } from './models.js';

describe('the rate prior is as plugins are', () => {
  it.each<[string, RatePriorOptions, string]>([
    ['with its defaults', {}, '**/kernel'],
    [
      'on all weights, steered to a size, pruning',
      { weight: { bytes: 40 }, pruneFrom: 0.4, settleFrom: 0.2 },
      '**',
    ],
  ])('%s', async (_, options, parameters) => {
    const tried = await conformance(ratePrior(options), { factory: ratePrior, schedule: { parameters } });
    expect(tried.length).toBeGreaterThan(8);
  });

  it('its quantizer', async () => {
    const prior = ratePrior();
    const run = new Run(net());
    const running = await run.start(prior, { parameters: '**' });
    await train(run, { data: data(), epochs: 1, schedules: [{ plugin: running }] });
    const known = await running.save();
    running.dispose();
    const plugin: Plugin = {
      ...prior.quantizer,
      start: (run, of, state) => prior.quantizer.start(run, of, state ?? known),
    };
    expect((await conformance(plugin, { model: net, data })).length).toBeGreaterThan(8);
  });
});
