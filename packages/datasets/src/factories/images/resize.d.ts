import type { DecodedPicture } from '@espalier/formats';

export function resize(
  picture: DecodedPicture,
  size: readonly [number, number],
  channels: 1 | 3,
  fit: 'crop' | 'squeeze',
): Uint8Array;
