/** An ellipse: centre, half axes, colour, and how soft its edge is, as a part of the half axes. */
interface Blob {
  readonly x: number;
  readonly y: number;
  readonly rx: number;
  readonly ry: number;
  readonly colour: readonly number[];
  readonly soft?: number;
}

/**
 * Paints something like a face over a picture: hair, skin in side light, eyes with brows, nose, mouth, neck and shoulders,
 * all of them ellipses. It is there so that detectors of faces find something; nobody would take it for a face.
 *
 * @param picture - `[height, width, channels]`, values in [0, 1]; painted over.
 */
export function paintFace(
  picture: Float32Array,
  [height, width, channels]: readonly [number, number, number],
  random: () => number,
): void {
  const between = (low: number, high: number): number => low + (high - low) * random();
  const size = Math.min(height, width) * between(0.2, 0.45);
  const [cx, cy] = [width * between(0.3, 0.7), height * between(0.35, 0.6)];
  const [tilt, turn, lit] = [between(-0.3, 0.3), between(-0.25, 0.25), between(-0.4, 0.4)];
  const tone = between(0.25, 1);
  const skin = [0.95 * tone, (0.62 + 0.12 * tone) * tone, (0.45 + 0.15 * tone) * tone];
  const dark = (by: number): number[] => skin.map((v) => v * by);
  const hair = [0.5, 0.35, 0.2].map((v) => v * between(0.1, 1.2));
  const iris = [between(0.05, 0.4), between(0.1, 0.4), between(0.05, 0.5)];
  const cloth = [random(), random(), random()];
  const open = between(0, 0.12);
  const blob = (
    x: number,
    y: number,
    rx: number,
    ry: number,
    colour: readonly number[],
    soft = 0.1,
  ): Blob => ({
    x: x + turn * (1 - Math.abs(x)),
    y,
    rx,
    ry,
    colour,
    soft,
  });
  const eye = (side: number): Blob[] => [
    blob(0.34 * side, -0.12, 0.2, 0.13, dark(0.75), 0.6),
    blob(0.34 * side, -0.12, 0.15, 0.075, [0.95, 0.95, 0.93]),
    blob(0.34 * side, -0.12, 0.07, 0.07, iris),
    blob(0.34 * side, -0.12, 0.03, 0.03, [0.02, 0.02, 0.02]),
    blob(0.34 * side, -0.31, 0.2, 0.04, hair, 0.4),
  ];
  const blobs = [
    { ...blob(0, 2.1, 1.5, 0.9, cloth), x: 0 },
    blob(0, -0.25, 0.92, 1.15, hair, 0.15),
    blob(0, 0.95, 0.42, 0.6, dark(0.7)),
    blob(0, 0, 0.75, 1, skin, 0.06),
    ...eye(-1),
    ...eye(1),
    blob(0, 0.16, 0.13, 0.26, dark(1.08), 0.8),
    blob(0, 0.34, 0.16, 0.06, dark(0.6), 0.6),
    blob(0, 0.58, 0.3, 0.09 + open, [0.7 * tone, 0.3 * tone, 0.3 * tone], 0.3),
    blob(0, 0.58, 0.24, 0.02 + open, open > 0.05 ? [0.9, 0.88, 0.85] : [0.25, 0.08, 0.08], 0.3),
  ];
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [dx, dy] = [(column - cx) / size, (row - cy) / size];
      const [x, y] = [cos * dx + sin * dy, cos * dy - sin * dx];
      if (x * x > 3 || y * y > 9) continue;
      // Light from one side; skin and hair are round.
      const shade = 1 + lit * x - 0.25 * x * x;
      const at = (row * width + column) * channels;
      for (const { x: bx, y: by, rx, ry, colour, soft = 0.1 } of blobs) {
        const distance = Math.sqrt(((x - bx) / rx) ** 2 + ((y - by) / ry) ** 2);
        const part = Math.max(0, Math.min(1, (1 + soft / 2 - distance) / soft));
        if (part === 0) continue;
        for (let c = 0; c < channels; c++) {
          const own = channels === 1 ? (colour[0] + colour[1] + colour[2]) / 3 : colour[c % 3];
          picture[at + c] += part * (Math.max(0, Math.min(1, own * shade)) - picture[at + c]);
        }
      }
    }
  }
}
