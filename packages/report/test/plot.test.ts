import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html } from '../src/markup.js';
import { plot } from '../src/plot/frame.js';
import { bands, line, steps } from '../src/plot/marks.js';
import { band, fit, linear, log } from '../src/plot/scale.js';

describe('linear scales', () => {
  it('have ticks at round numbers that cover the data', () => {
    const ends = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(ends, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (low, range) => {
        const scale = linear(low, low + range);
        expect(scale.from).toBeLessThanOrEqual(low + 1e-9 * (Math.abs(low) + range));
        expect(scale.to).toBeGreaterThanOrEqual(low + range - 1e-9 * (Math.abs(low) + range));
        expect(scale.ticks.length).toBeGreaterThanOrEqual(3);
        // A step is more than a tenth of the range; rounding outwards adds less than two of them.
        expect(scale.ticks.length).toBeLessThanOrEqual(11);
        // (Far from 0 their difference has few digits.)
        const step = scale.ticks[1] - scale.ticks[0];
        expect(['1', '2', '5']).toContain(Number(step.toPrecision(2)).toExponential()[0]);
      }),
    );
  });

  it('name their ticks with as many decimals as it takes, and a real minus', () => {
    const names = (...of: Parameters<typeof linear>): string[] =>
      linear(...of).ticks.map(linear(...of).format);
    expect(names(-0.5, 0.5)).toEqual(['−0.6', '−0.4', '−0.2', '0.0', '0.2', '0.4', '0.6']);
    expect(names(0, 10)).toEqual(['0', '2', '4', '6', '8', '10']);
    expect(names(0, 24_000)).toEqual(['0', '5k', '10k', '15k', '20k', '25k']);
    expect(names(0.93, 0.985, { unit: 'percent' })).toEqual([
      '93 %',
      '94 %',
      '95 %',
      '96 %',
      '97 %',
      '98 %',
      '99 %',
    ]);
    expect(names(0, 2, { integers: true })).toEqual(['0', '1', '2']);
    expect(names(0, 38, { integers: true, nice: false, ticks: 8 })).toEqual([
      '0',
      '5',
      '10',
      '15',
      '20',
      '25',
      '30',
      '35',
    ]);
  });

  it('place values: the ends at the ends, and everything between in proportion', () => {
    const scale = fit(linear(0, 10), 100, 300);
    expect([0, 2.5, 10].map(scale.at)).toEqual([100, 150, 300]);
    const upward = fit(linear(0, 1), 200, 20);
    expect([0, 1].map(upward.at)).toEqual([200, 20]);
  });

  it('give a single value room', () => {
    for (const value of [0, 3, -0.001]) {
      const scale = linear(value, value);
      expect(scale.from).toBeLessThan(value);
      expect(scale.to).toBeGreaterThan(value);
    }
  });
});

describe('logarithmic scales', () => {
  it('place equal ratios at equal distances', () => {
    const scale = fit(log(1, 1000), 0, 300);
    expect([1, 10, 100, 1000].map((value) => Math.round(scale.at(value)))).toEqual([0, 100, 200, 300]);
  });

  it('have ticks at 1, 2 and 5 over few decades and at powers of ten over many', () => {
    expect(log(3, 90).ticks).toEqual([5, 10, 20, 50]);
    expect(log(1, 1e4).ticks).toEqual([1, 10, 100, 1000, 10_000]);
    expect(log(1, 1e12).ticks).toHaveLength(7);
    expect(log(2.5, 7.5).ticks).toEqual([3, 4, 5, 6, 7]);
  });

  it('name sizes and small numbers', () => {
    const bytes = log(500, 2e6, { unit: 'bytes' });
    expect(bytes.ticks.map(bytes.format)).toEqual(['1 kB', '10 kB', '100 kB', '1 MB']);
    const small = log(2e-5, 1e-2);
    expect(small.ticks.map(small.format)).toEqual(['1e−4', '0.001', '0.01']);
  });
});

describe('marks', () => {
  const axes = { x: { label: 'x', scale: linear(0, 10) }, y: { label: 'y', scale: linear(0, 10) } };
  const draw = (...marks: ReturnType<typeof line>[]): string => plot({ title: 't', ...axes, marks }).source;

  it('a line goes through its points, and breaks where there is none', () => {
    const source = draw(
      line(
        [
          [0, 0],
          [5, 10],
          [6, Number.NaN],
          [7, 1],
          [8, Number.NaN],
          [9, 3],
          [10, 4],
        ],
        's1',
      ),
    );
    const paths = source.match(/<path class="s1" d="([^"]*)"/g) ?? [];
    expect(paths).toHaveLength(2);
    expect(source.match(/<circle class="s1 dot"/g)).toHaveLength(1);
    // y of 0 is the bottom of the area (height 280 - 44), y of 10 its top.
    expect(paths[0]).toMatch(/M[\d.]+ 236L[\d.]+ 34"/);
  });

  it('a long line keeps its ends and its extremes', () => {
    const many = Array.from({ length: 50_000 }, (_, i): [number, number] => [
      i / 5000,
      i === 31_234 ? 10 : i % 2,
    ]);
    const path = /<path class="s1" d="([^"]*)"/.exec(draw(line(many, 's1')))?.[1] ?? '';
    const points = path.slice(1).split('L');
    expect(points.length).toBeLessThan(2500);
    expect(points[0]).toMatch(/ 236$/);
    expect(points.some((point) => point.endsWith(' 34'))).toBe(true);
  });

  it('a histogram is as high as its counts, and empty bins draw nothing', () => {
    const source = draw(steps([0, 1, 2, 3, 4], [10, 0, 5, 5], 'dense'));
    const path = /<path class="dense" d="([^"]*)"/.exec(source)?.[1] ?? '';
    expect(path.replace(/([MH])[\d.]+/g, '$1_')).toBe('M_ 236V34H_V236M_ 236V135H_V236');
  });

  it('bands follow one another and name themselves where there is room', () => {
    const source = draw(
      bands([
        { from: 0, to: 9, name: 'wide enough' },
        { from: 9, to: 10, name: 'much too narrow' },
      ]),
    );
    expect(source).toContain('>wide enough</text>');
    expect(source).not.toContain('>much too narrow</text>');
    expect(source).toContain('<title>much too narrow</title>');
  });

  it('a plot names its axes and has a name for those who cannot see it', () => {
    const source = plot({ title: 'a < b', ...axes, marks: [] }).source;
    expect(source).toContain('role="img" aria-label="a &lt; b"');
    expect(source).toMatch(/class="label middle"[^>]*>x<.*class="label middle"[^>]*>y</s);
  });

  it('band scales put the first row at the top', () => {
    const scale = fit(band(['a', 'b']), 100, 0);
    expect([0, 1].map(scale.at)).toEqual([25, 75]);
    expect(scale.ticks.map(scale.format)).toEqual(['a', 'b']);
  });
});

describe('html', () => {
  it('escapes text, numbers pass, markup is not escaped twice, lists join, absent values vanish', () => {
    const inner = html`<b title="${'"'}">${'<&>'}</b>`;
    expect(html`${[inner, 1.5, undefined, false, [inner]]}`.source).toBe(
      '<b title="&quot;">&lt;&amp;&gt;</b>1.5<b title="&quot;">&lt;&amp;&gt;</b>',
    );
  });
});
