import type { Moment } from '../moment.js';
import { isMaking } from '../step-recorder.js';

/**
 * The moment of a step: who keeps it finds it as it was. Only what `perStep` makes anew at a later step, replayed, sees that
 * step's number in it. Who looks at the number of the step by other ways does something that depends on it.
 */
export class LiveMoment {
  #now!: Moment;
  #at!: Moment;
  /** Whether somebody has looked at the step's number in the course of the step. */
  looked = false;

  /** What the hooks of the step are given. */
  get at(): Moment {
    return this.#at;
  }

  set now(own: Moment) {
    this.#now = own;
    this.looked = false;
    const look = (): Moment => {
      if (isMaking()) return this.#now;
      this.looked = true;
      return own;
    };
    this.#at = {
      ...own,
      get step() {
        return look().step;
      },
      get index() {
        return look().index;
      },
    };
  }
}
