interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Float32Array;
}
type Values = readonly [shape: number[], values: Float32Array];
export const packages: Readonly<Record<string, readonly [folder: string, pattern: RegExp]>>;
export function divided(root: string): Record<'train' | 'validation' | 'test', string[]>;
export function shrunk(picture: Picture, factor: number): Picture;
export function patches(
  files: readonly string[],
  count: number,
  random: () => number,
): Promise<{ small: Values; large: Values }>;
