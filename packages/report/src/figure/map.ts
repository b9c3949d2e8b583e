import type { MapFigure, MapFrame } from '@espalier/figures';
import { Canvas, GIFEncoder } from './canvas.js';
import { drawText } from './font.js';

/** Entries 1 to 255 are -127 to 127: blue, white, red. 0 is paper and 255 ink. */
const [paper, zero, ink] = [0, 128, 0];

function colour(share: number): number[] {
  const t = Math.abs(share);
  const [r, g, b] = share < 0 ? [33, 84, 171] : [190, 36, 36];
  return [255 - t * (255 - r), 255 - t * (255 - g), 255 - t * (255 - b)].map(Math.round);
}

export const mapPalette: number[][] = [
  [60, 66, 61],
  ...Array.from({ length: 255 }, (_, i) => colour((i - 127) / 127)),
];

/** The numbers of a frame, -127 to 127. */
function cellsOf({ cells }: MapFrame): Int8Array {
  return Int8Array.from(atob(cells), (character) => (character.charCodeAt(0) << 24) >> 24);
}

/** Pixels per cell, so that a map is neither tiny nor wider than the page. */
function zoomOf({ width, height }: MapFrame, wanted: number): number {
  return Math.max(1, Math.floor(wanted / Math.max(width, height)));
}

function paint(canvas: Canvas, frame: MapFrame, top: number, zoom: number): void {
  const { width } = frame;
  cellsOf(frame).forEach((value, i) => {
    if (value !== 0) {
      canvas.fill((i % width) * zoom, top + Math.floor(i / width) * zoom, zoom, zoom, zero + value);
    }
  });
}

const headroom = 24;

/** One frame as pixels, with its label above. */
export function drawMap({ frames }: MapFigure, frame: MapFrame): Canvas {
  const zoom = zoomOf(frames[0], 480);
  const canvas = new Canvas(Math.max(frame.width * zoom, 120), frame.height * zoom + headroom, zero);
  paint(canvas, frame, headroom, zoom);
  canvas.fill(0, headroom - 1, frame.width * zoom, 1, ink);
  drawText(frame.label, (x, y) => canvas.fill(4 + 2 * x, 4 + 2 * y, 2, 2, paper));
  return canvas;
}

/** A frame by itself, as the address of a picture. */
export function mapImage(frame: MapFrame, wanted: number): { source: string; width: number; height: number } {
  const zoom = zoomOf(frame, wanted);
  const canvas = new Canvas(frame.width, frame.height, zero);
  paint(canvas, frame, 0, 1);
  const encoder = GIFEncoder();
  encoder.writeFrame(canvas.pixels, canvas.width, canvas.height, { palette: mapPalette });
  encoder.finish();
  let bytes = '';
  for (const byte of encoder.bytes()) bytes += String.fromCharCode(byte);
  return {
    source: `data:image/gif;base64,${btoa(bytes)}`,
    width: frame.width * zoom,
    height: frame.height * zoom,
  };
}
