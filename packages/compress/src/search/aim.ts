/** A search for the coarsest steps that meet an aim. */
export interface Aim {
  /** Is the figure good enough? */
  readonly meets: (figure: number) => boolean;
  /** And so near to the aim that no more is to be won? */
  readonly near: (figure: number) => boolean;
  /** log2 of the factor for the steps that should lead from `figure` to the aim. */
  readonly octaves: (figure: number) => number;
  /**
   * A figure that is better than those of about the same fineness is luck, which other inputs do not have: how many octaves
   * beyond what those let expect one is believed. Default: all are.
   */
  readonly luck?: number;
  /** Of two fineness values that meet the aim, is the first the better one? */
  readonly better: (a: number, b: number) => boolean;
}

/** What is asked for, and whether it is a number of bytes. */
export function aimOf(
  {
    size,
    bits,
    quality = 45,
    accuracy,
    update,
  }: {
    readonly size?: number;
    readonly bits?: number;
    readonly quality?: number;
    readonly accuracy?: { readonly points: number };
    readonly update?: Uint8Array;
  },
  elements: number,
): { aim: Aim; bytes: boolean } {
  const most = size ?? (bits === undefined ? undefined : Math.floor((bits * elements) / 8));
  if (most !== undefined) {
    return {
      bytes: true,
      aim: {
        meets: (bytes) => bytes <= most,
        near: (bytes) => bytes > (update ? 0.95 : 0.985) * most,
        // An octave of the step is a bit a weight. Of an update, where few weights move, as measured: one of the reach
        // makes it about three times as small.
        octaves: (bytes) =>
          update
            ? Math.log2(bytes / (0.98 * most)) / 1.5
            : (8 * (bytes - 0.995 * most)) / Math.max(1, elements),
        better: (a, b) => a < b,
      },
    };
  }
  if (accuracy) {
    const { points } = accuracy;
    return {
      bytes: false,
      aim: {
        meets: (lost) => lost <= points,
        // How far from the aim a loss is says little: octave by octave, and then by halves.
        near: () => false,
        octaves: (lost) => (lost <= points ? 1 : -1),
        better: (a, b) => a > b,
      },
    };
  }
  return {
    bytes: false,
    aim: {
      meets: (psnr) => psnr >= quality,
      near: (psnr) => psnr < quality + 0.25,
      octaves: (psnr) => (Number.isFinite(psnr) ? (psnr - quality - 0.1) / 6.02 : psnr > 0 ? 6 : -6),
      // A decibel.
      luck: 1 / 6.02,
      better: (a, b) => a > b,
    },
  };
}
