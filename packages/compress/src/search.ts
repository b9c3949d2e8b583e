/** What one degree of fineness gives. */
export interface Trial {
  readonly fineness: number;
  /** Of the aim: dB, or bytes. */
  readonly figure: number;
}

/** A search for the coarsest steps that meet an aim. */
export interface Aim {
  /** Is the figure good enough? */
  readonly meets: (figure: number) => boolean;
  /** And so near to the aim that no more is to be won? */
  readonly near: (figure: number) => boolean;
  /** log2 of the factor for the steps that should lead from `figure` to the aim. */
  readonly octaves: (figure: number) => number;
  /** Of two fineness values that meet the aim, is the first the better one? */
  readonly better: (a: number, b: number) => boolean;
}

/** Most trials. */
const most = 9;

/**
 * Finds the fineness that meets the aim best, by steps of the expected size, then by halving where one that meets it and
 * one that does not are known. Returns the best trial that meets it, or the last one if none does.
 */
export async function search(
  start: number,
  aim: Aim,
  measure: (fineness: number) => Promise<number>,
): Promise<Trial & { met: boolean }> {
  let fineness = start;
  let good: Trial | undefined;
  let bad: Trial | undefined;
  let last: Trial = { fineness, figure: Number.NaN };
  for (let i = 0; i < most; i++) {
    const figure = await measure(fineness);
    last = { fineness, figure };
    if (aim.meets(figure)) {
      if (good === undefined || aim.better(fineness, good.fineness)) good = last;
      if (aim.near(figure)) break;
    } else if (bad === undefined || aim.better(bad.fineness, fineness)) bad = last;
    const wanted = fineness * 2 ** Math.max(-6, Math.min(6, aim.octaves(figure)));
    // Between one that meets the aim and one that does not, but never too close to either.
    if (good && bad) {
      const [a, b] = [Math.log2(good.fineness), Math.log2(bad.fineness)];
      const part = Math.max(0.1, Math.min(0.9, (Math.log2(wanted) - a) / (b - a)));
      if (Math.abs(b - a) < 0.004) break;
      fineness = 2 ** (a + part * (b - a));
    } else {
      fineness = wanted === fineness ? fineness * 0.97 : wanted;
    }
  }
  return good ? { ...good, met: true } : { ...last, met: false };
}

/** What is asked for, and whether it is a number of bytes. */
export function aimOf(
  { size, bits, quality = 45 }: { readonly size?: number; readonly bits?: number; readonly quality?: number },
  elements: number,
): { aim: Aim; bytes: boolean } {
  const most = size ?? (bits === undefined ? undefined : Math.floor((bits * elements) / 8));
  if (most !== undefined) {
    return {
      bytes: true,
      aim: {
        meets: (bytes) => bytes <= most,
        near: (bytes) => bytes > 0.985 * most,
        // An octave of the step is a bit a weight.
        octaves: (bytes) => (8 * (bytes - 0.995 * most)) / Math.max(1, elements),
        better: (a, b) => a < b,
      },
    };
  }
  return {
    bytes: false,
    aim: {
      meets: (psnr) => psnr >= quality,
      near: (psnr) => psnr < quality + 0.25,
      octaves: (psnr) => (Number.isFinite(psnr) ? (psnr - quality - 0.1) / 6.02 : 6),
      better: (a, b) => a > b,
    },
  };
}
