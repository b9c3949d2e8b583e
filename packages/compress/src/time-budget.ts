interface Process {
  cpuUsage(): { readonly user: number; readonly system: number };
}

/** Seconds of computing: of the processor where that is known, so that what else the machine does makes no difference. */
export function processorSeconds(): number {
  const { process } = globalThis as { readonly process?: Process };
  if (typeof process?.cpuUsage !== 'function') return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

let done = 0;

/** Says that work was done which takes so many seconds of a usual processor. */
export function spend(seconds: number): void {
  done += seconds;
}

/** What `spend` was told, in seconds: a clock that runs alike on every machine, however fast and busy. */
export const countedSeconds = (): number => done;

/** Seconds that a product of two numbers takes where backends multiply matrices, and where this package's own loops do. */
export const perProduct = 1e-10;
export const perOwnProduct = 1e-9;

/** Part of the work, with a part of the time. */
export class Stage {
  readonly #clock: () => number;
  readonly #start: number;
  readonly #end: number;
  #done = 0;
  #asked = 0;

  constructor(clock: () => number, start: number, end: number) {
    this.#clock = clock;
    this.#start = start;
    this.#end = end;
  }

  /** Is the work counted rather than timed? */
  get counted(): boolean {
    return this.#clock === countedSeconds;
  }

  /** Seconds that are left. */
  get left(): number {
    return this.#end - this.#clock();
  }

  /**
   * Asks before each piece of work: is there time for it, if it takes as long for its size as those so far did? Always for the first.
   *
   * @param size - Of the piece, in units of the caller's.
   */
  fits(size = 1): boolean {
    this.#done += this.#asked;
    this.#asked = 0;
    const now = this.#clock();
    const expected = this.#done === 0 ? 0 : ((now - this.#start) / this.#done) * size;
    if (this.#done > 0 && now + expected > this.#end) return false;
    this.#asked = size;
    return true;
  }
}

/** Weights that a coder takes some 20 s for with all effort, and the effort that takes a quarter of that. */
const mostSearched = 2 ** 22;
const quickly = 1;

/**
 * The time for all of the work. Each stage gets its part of it, measures what its pieces take and leaves out those that no longer
 * fit: so the time is kept to whatever the model, the backend and the machine are.
 */
export class Work {
  /** Seconds for all of it; Infinity: all work is done. */
  readonly seconds: number;
  /** How many examples there is memory and time for in a gradient. */
  gradientExamples: number = Number.POSITIVE_INFINITY;
  readonly #clock: () => number;
  readonly #end: number;

  /** @param clock - `countedSeconds`: what is left out then is the same on every machine. */
  constructor(seconds: number, clock: () => number = processorSeconds) {
    this.seconds = seconds;
    this.#clock = clock;
    this.#end = clock() + seconds;
  }

  get limited(): boolean {
    return Number.isFinite(this.seconds);
  }

  /** Is the work counted rather than timed? */
  get counted(): boolean {
    return this.#clock === countedSeconds;
  }

  /** The clock that the work goes by, in seconds. */
  now(): number {
    return this.#clock();
  }

  /** Seconds that are left. */
  get left(): number {
    return this.#end - this.#clock();
  }

  /** How hard the coder searches at most, for so many weights: where clocks do not bound it, that does. */
  effort(wanted: number, weights: number): number {
    return this.counted && weights > mostSearched ? Math.min(quickly, wanted) : wanted;
  }

  /** Part of what is left, at least a fiftieth of all, for what takes its own time: in milliseconds. */
  milliseconds(part: number): number {
    if (this.counted) return Number.POSITIVE_INFINITY;
    return 1000 * Math.max(this.seconds / 50, part * this.left);
  }

  /** @param part - Of all the time; `keep` is the part that is kept for what follows. */
  stage(part: number, keep = 0): Stage {
    const now = this.#clock();
    const end = Math.min(now + part * this.seconds, this.#end - (this.limited ? keep * this.seconds : 0));
    return new Stage(this.#clock, now, end);
  }
}
