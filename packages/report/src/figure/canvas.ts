import * as gifenc from 'gifenc';

/** Node sees a CommonJS module, bundlers an ES module. */
export const GIFEncoder: NonNullable<typeof gifenc.GIFEncoder> =
  gifenc.GIFEncoder ?? gifenc.default.GIFEncoder;

/** Pixels as indices into a palette. */
export class Canvas {
  readonly pixels: Uint8Array;
  constructor(
    readonly width: number,
    readonly height: number,
    background = 0,
  ) {
    this.pixels = new Uint8Array(width * height).fill(background);
  }

  fill(x: number, y: number, width: number, height: number, colour: number): void {
    const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
    const right = Math.min(this.width, Math.round(x + width));
    const bottom = Math.min(this.height, Math.round(y + height));
    for (let row = top; row < bottom; row++) {
      this.pixels.fill(colour, row * this.width + left, row * this.width + Math.max(left, right));
    }
  }
}
