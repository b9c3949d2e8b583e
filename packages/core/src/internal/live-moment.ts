import type { Moment } from '../moment.js';
import { isMaking } from '../step-recorder.js';

/**
 * The moment of the step that is being taken, as one object for all steps: what is made anew at every step looks at it then.
 * Who looks at the number of the step by other ways than `perStep` does something that depends on it.
 */
export class LiveMoment {
  #now: Moment | undefined;
  /** Whether somebody has looked at the step's number in the course of the step. */
  looked = false;

  readonly at: Moment;

  constructor() {
    const now = (): Moment => this.#now as Moment;
    const look = (): Moment => {
      if (!isMaking()) this.looked = true;
      return now();
    };
    this.at = {
      get epoch() {
        return now().epoch;
      },
      get step() {
        return look().step;
      },
      get stepsPerEpoch() {
        return now().stepsPerEpoch;
      },
      get start() {
        return now().start;
      },
      get end() {
        return now().end;
      },
      get every() {
        return now().every;
      },
      get index() {
        return look().index;
      },
      get count() {
        return now().count;
      },
    };
  }

  set now(at: Moment) {
    this.#now = at;
    this.looked = false;
  }
}
