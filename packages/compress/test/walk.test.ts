import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { examplesFor } from '../src/calibrate/calibration-inputs.js';
import { gather } from '../src/calibrate/gather-moments.js';
import type { Gram } from '../src/calibrate/moments.js';
import { sensitivities } from '../src/calibrate/sensitivity.js';
import { quantize, type Rounded } from '../src/choose/quantize.js';
import { type Compressed, compress } from '../src/compress.js';
import { Bench } from '../src/fidelity/bench.js';
import { load } from '../src/model/load.js';
import { Tensors } from '../src/model/tensors.js';
import { planAll } from '../src/plan/all-tensors.js';
import { reordered } from '../src/plan/row-order.js';
import { chooseDoubt, leastDoubt } from '../src/plan/shrinkage.js';
import type { Plan } from '../src/plan/tensor-plan.js';
import { roundLinear } from '../src/round/compensate.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import { aimOf } from '../src/search/aim.js';
import { coarsestSteps } from '../src/search/coarsest-steps.js';
import { Work } from '../src/time-budget.js';
import { trace } from '../src/trace/trace.js';
import { artifactsOf } from './models.js';
import { errorOf } from './moments.js';

/** A block of numbers of docs/compress.md: ```text and its name. */
function printed(name: string): string {
  const page = readFileSync(new URL('../../../docs/compress.md', import.meta.url), 'utf8');
  const [, block] = page.match(new RegExp(`\`\`\`text ${name}\n([^]*?)\n\`\`\``)) ?? [];
  return block ?? `no block ${name}`;
}

/** Numbers with so many digits, and no -0. */
const shown = (cell: string | number, digits: number): string =>
  typeof cell === 'number' ? cell.toFixed(digits).replace(/^-(0\.0*)$/, '$1') : cell;

const table = (rows: readonly (readonly (string | number)[])[], digits = 3): string =>
  rows
    .map((row) => row.map((cell) => shown(cell, digits).padStart(11)).join(''))
    .map((line) => line.trimEnd())
    .join('\n');

/** The steps of `compress` with the page's model, one by one. */
describe('the page that walks a tensor through compress', () => {
  const names = ['a', 'b', 'c', 'd'];
  let plan: Plan;
  let gram: Gram;
  let felt: Float64Array;
  let found: { fineness: number; trials: readonly { fineness: number; figure: number }[] };
  let rounded: Rounded;
  let whole: Compressed;
  let peak = 0;
  let steps: readonly (readonly [string, number, number])[] = [];

  beforeAll(async () => {
    await tf.ready();
    // Named: TF.js counts the models of a process, and its count would be in the file.
    const layers = [tfl.layers.dense({ units: 8, inputShape: [4], name: 'out' })];
    const model = tfl.sequential({ name: 'sequential_1', layers });
    const kernel = Float32Array.from({ length: 32 }, (_, i) => Math.sin(1 + i * i));
    const bias = Float32Array.from({ length: 8 }, (_, i) => 0.2 * Math.cos(i));
    model.setWeights([tf.tensor2d(kernel, [4, 8]), tf.tensor1d(bias)]);
    const inputs = Array.from({ length: 64 }, (_, n) => {
      const a = Math.sin(2.1 * n);
      return [a, a + 0.3 * Math.sin(5.3 * n), 0.5 * Math.cos(1.7 * n), 1 + 0.2 * Math.cos(3.1 * n)];
    });
    const options = { quality: 30, calibration: [tf.tensor2d(inputs)], seconds: Number.POSITIVE_INFINITY };
    const artifacts = await artifactsOf(model);
    whole = await compress(artifacts, options);

    const loaded = await load(artifacts);
    const tensors = new Tensors(artifacts, loaded);
    const work = new Work(options.seconds);
    const { batches, validation } = await examplesFor(loaded, options, work, []);
    const bench = await Bench.of(loaded, validation, tensors.twins);
    peak = bench.peaks[0] as number;
    const traced = await trace(loaded, batches[0] as tf.Tensor[], tensors.twins);
    felt = (await sensitivities(loaded, batches, ['out/kernel'], bench.peaks)).get(
      'out/kernel',
    ) as Float64Array;
    const moments = await gather(loaded, batches, traced.linear, tensors.twins, work.stage(1));
    gram = moments.get('out/kernel')?.finish() as Gram;
    const plans = await planAll(loaded, tensors, traced, batches, bench, work, () => {});
    plan = plans[0] as Plan;
    const search = await coarsestSteps(
      plans,
      loaded,
      tensors,
      bench,
      batches[0] as tf.Tensor[],
      aimOf(options, 40),
      options,
      work,
    );
    found = search;
    steps = plans.map(({ weight, wish }) => {
      const { step } = wish.grid(search.fineness);
      return [weight.name, step / 2 ** wish.shift, step];
    });
    rounded = search.roundedAt(search.fineness).get('out/kernel') as Rounded;
    // Whatever the page says of these steps is what compress does.
    const row = whole.tensors.find(({ name }) => name === 'out/kernel');
    expect([row?.method, row?.step]).toEqual([rounded.method, rounded.grid?.step]);
    expect(whole.trials).toEqual(search.trials);
  });

  test('moments', () => {
    const rows = [...names, '1'];
    expect(
      table([['', ...rows], ...rows.map((name, i) => [name, ...gram.moments.subarray(5 * i, 5 * i + 5)])]),
    ).toBe(printed('moments'));
  });

  test('order, doubt and pivots', () => {
    const { layout, factors } = plan.linear as NonNullable<Plan['linear']>;
    const order = Int32Array.from(layout.rows, (row) => row / 8);
    const inOrder = (m: Float64Array): Float64Array => reordered(m, 5, order, 5);
    const [learned, checked] = (gram.split ?? []).map(inOrder) as [Float64Array, Float64Array];
    const doubt = chooseDoubt(layout, { size: 5, biased: true, learned, checked });
    const pivots = factors[0]?.pivots as Float64Array;
    const own = (i: number): number => gram.moments[6 * i] as number;
    expect(
      [
        `doubt ${doubt}, at least ${leastDoubt(4, gram.positions).toFixed(4)}`,
        table([
          ['', 'energy', 'left', 'told by'],
          ...[...order].map((r, i) => [names[r] as string, own(r), pivots[i] as number, strongest(i)]),
          ['1', 1, pivots[4] as number, ''],
        ]),
      ].join('\n'),
    ).toBe(printed('factor'));

    /** Which later feature tells most of feature `i`, and its factor. */
    function strongest(i: number): string {
      const lower = factors[0]?.lower as Float64Array;
      const later = [1, 2, 3, 4].filter((j) => j > i);
      const [best] = later.sort(
        (p, q) => Math.abs(lower[5 * q + i] as number) - Math.abs(lower[5 * p + i] as number),
      );
      const name = best === 4 ? '1' : names[order[best as number] as number];
      return `${name} ${(lower[5 * (best as number) + i] as number).toFixed(3)}`;
    }
  });

  test('steps', () => {
    const { layout, factors } = plan.linear as NonNullable<Plan['linear']>;
    const pivots = factors[0]?.pivots as Float64Array;
    const column = (c: number): number =>
      [...layout.rows].reduce((sum, row) => sum + (felt[row + c] as number), 0);
    const energy = [0, 1, 2, 3].reduce((sum, i) => sum + (gram.moments[6 * i] as number), 0);
    const grid = plan.wish.grid(found.fineness);
    expect(
      [
        `peak ${peak.toFixed(3)}`,
        `felt of output 0: ${column(0).toFixed(4)} in all, ${(column(0) / energy).toFixed(5)} for a unit of energy`,
        table(
          [
            ['', 'importance'],
            ...[...layout.rows].map((row) => [
              names[row / 8] as string,
              plan.codebooks.errorOf(
                plan.values,
                plan.values.map((v, i) => (i === row ? v + 1 : v)),
              ),
            ]),
          ],
          5,
        ),
        `step = ${found.fineness.toFixed(5)} x 2^${plan.wish.mean.toFixed(3)} = ${grid.step.toFixed(4)}`,
      ].join('\n'),
    ).toBe(printed('steps'));
    expect(grid.exponents).toEqual([undefined, undefined]);
    expect(pivots.length).toBe(5);
  });

  test('rounding, and what it leaves', () => {
    const { layout, factors } = plan.linear as NonNullable<Plan['linear']>;
    const steps = plan.wish.steps(plan.wish.grid(found.fineness));
    const { rounded: values, wanted, bias } = roundLinear(plan.values, toSteps(steps), layout, factors);
    expect(values).toEqual(rounded.values);
    const plain = roundPlain(plan.values, toSteps(steps));
    const errorOfAll = (own: Float32Array, gained: (c: number) => number): number =>
      [...layout.columns].reduce(
        (sum, c) =>
          sum +
          errorOf(gram.moments, 5, (i) =>
            i < 4 ? (plan.values[8 * i + c] as number) - (own[8 * i + c] as number) : -gained(c),
          ),
        0,
      ) / 8;
    expect(
      [
        table([
          ['', 'weight', 'wanted', 'rounded', 'nearest'],
          ...[...layout.rows].map((row) =>
            [names[row / 8] as string, plan.values[row], wanted[row], values[row], plain[row]].map(
              (v) => v as number,
            ),
          ),
          ['bias', bias?.[0] as number, '', '', ''],
        ]),
        `error of the outputs: ${errorOfAll(values, (c) => bias?.[c] ?? 0).toFixed(4)}; of the nearest: ${errorOfAll(plain, () => 0).toFixed(4)}`,
      ].join('\n'),
    ).toBe(printed('rounding'));
    expect(quantize([plan], found.fineness, new Map()).get('out/kernel')?.values).toEqual(values);
  });

  test('search, and the file', () => {
    expect(table([['', 'planned', 'corrected'], ...steps])).toBe(printed('correction'));
    expect(
      table([
        ['fineness', 'dB'],
        ...found.trials.map(({ fineness, figure }) => [fineness.toFixed(5), figure.toFixed(2)]),
      ]),
    ).toBe(printed('search'));
    const { file, losslessBytes, fidelity, met } = whole;
    expect(
      `${file.length} bytes, ${losslessBytes} without loss; ${fidelity.psnr.toFixed(2)} dB on ${fidelity.examples} examples`,
    ).toBe(printed('file'));
    expect(met).toBe(true);
  });
});
