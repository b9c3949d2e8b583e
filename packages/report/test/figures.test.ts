import { describe, expect, it } from 'vitest';
import {
  type Figure,
  type JointFigure,
  type MapFigure,
  parseReport,
  renderGif,
  renderReport,
} from '../src/index.js';
import { madeUpReport as report } from './fixture.js';

const joint: JointFigure = {
  kind: 'joint',
  title: 'How <it> moved',
  x: 'initial',
  y: 'present',
  low: -1,
  high: 1,
  bins: 8,
  frames: [0, 1, 2].map((i) => ({
    label: `epoch ${i}`,
    cells: [0, 7, 9 + i, 1000, 63, 1],
    components: [
      { mean: 0, deviation: 0.1 / (i + 1), share: 0.9 },
      { mean: 0.5, deviation: 0.01, share: 0.1 },
      { mean: 7, deviation: 0.01, share: 0 },
    ],
  })),
};
const histograms: Figure = {
  kind: 'histograms',
  title: 'Histograms',
  x: 'weight',
  low: -1,
  high: 1,
  series: ['before', 'retrained', 'post-processed'].map((label, i) => ({
    label,
    counts: [1, 50, 3],
    zeros: 7 * i,
  })),
};

/** Bytes of -127, 0 and 127 in Base64: 0x81 0x00 0x7f … */
const cells = (values: readonly number[]): string =>
  btoa(String.fromCharCode(...values.map((value) => value & 255)));
const map: MapFigure = {
  kind: 'map',
  title: 'fc1',
  x: 'inputs',
  y: 'units',
  most: 0.5,
  frames: [
    { label: 'epoch 0', width: 3, height: 2, cells: cells([-127, 0, 127, 5, -5, 0]) },
    { label: 'epoch 1', width: 3, height: 2, cells: cells([0, 0, 127, 0, 0, 0]) },
  ],
};
const gallery: Figure = { kind: 'gallery', title: 'inputs', images: [map.frames[1]] };

describe('maps', () => {
  const page = renderReport({ ...report(), figures: [map, gallery] });

  it('are pictures in the page, one at a time, that its policy lets in', () => {
    expect(page.match(/src="data:image\/gif;base64,R0lGODlh/g)).toHaveLength(3);
    expect(page.match(/class="frame" hidden/g)).toHaveLength(1);
    expect(page).toContain('img-src data:');
    expect(page).toContain('full red is 0.500');
  });

  it('have the colours of their numbers in the GIF', () => {
    const gif = renderGif({ ...map, frames: [map.frames[0]] });
    const view = new DataView(gif.buffer, gif.byteOffset);
    expect([view.getUint16(6, true), view.getUint16(8, true)]).toEqual([3 * 160, 2 * 160 + 24]);
    const colour = (entry: number): number[] => [...gif.subarray(13 + 3 * entry, 16 + 3 * entry)];
    expect(colour(128)).toEqual([255, 255, 255]);
    expect(colour(255)).toEqual([190, 36, 36]);
    expect(colour(1)).toEqual([33, 84, 171]);
  });

  it('are checked', () => {
    const parse = (figure: object) => () => parseReport({ ...report(), figures: [figure] });
    expect(parse(map)).not.toThrow();
    expect(parse(gallery)).not.toThrow();
    expect(parse({ ...map, frames: [{ ...map.frames[0], width: 9 }] })).toThrow('18 bytes');
  });
});

describe('figures in the page', () => {
  const page = renderReport({ ...report(), figures: [joint, histograms] });

  it('are one frame at a time, the last one first, with a slider', () => {
    expect(page.match(/class="frame" hidden/g)).toHaveLength(2);
    expect(page.match(/class="frame">/g)).toHaveLength(1);
    expect(page).toContain('<input type="range" min="0" max="2" value="2"');
    expect(page).toContain('How &lt;it&gt; moved');
  });

  it('have every shade that occurs and leave out components beyond the axes', () => {
    expect(page).toContain('class="q6"');
    expect(page).toContain('class="q1"');
    expect(page.match(/class="mean"/g)).toHaveLength(6);
  });

  it('have a linear and a logarithmic histogram for each moment', () => {
    expect(page.match(/>retrained<\/text>/g)).toHaveLength(2);
    expect(page).toContain('zeros: 14');
  });
});

it('are checked', () => {
  const parse = (figure: object) => () => parseReport({ ...report(), figures: [figure] });
  expect(parse(joint)).not.toThrow();
  expect(parse(histograms)).not.toThrow();
  expect(parse({ ...joint, kind: 'pie' })).toThrow('figures[0].kind');
  expect(parse({ ...joint, high: -1 })).toThrow('figures[0].high');
  expect(parse({ ...joint, frames: [{ ...joint.frames[0], cells: [64, 1] }] })).toThrow('cells');
});

describe('the GIF', () => {
  const gif = renderGif(joint, 100);

  it('has the size of the picture, loops, and holds every frame with its delay', () => {
    const view = new DataView(gif.buffer, gif.byteOffset);
    expect([view.getUint16(6, true), view.getUint16(8, true)]).toEqual([8 * 5 + 82, 8 * 5 + 82]);
    expect(new TextDecoder('latin1').decode(gif)).toContain('NETSCAPE2.0');
    const delays: number[] = [];
    for (let i = 0; i < gif.length - 7; i++) {
      if (gif[i] === 0x21 && gif[i + 1] === 0xf9 && gif[i + 2] === 4)
        delays.push(view.getUint16(i + 4, true));
    }
    expect(delays).toEqual([10, 10, 80]); // hundredths of a second
    expect(gif.at(-1)).toBe(0x3b);
  });
});
