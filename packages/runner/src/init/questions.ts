import { createInterface } from 'node:readline/promises';
import { EspalierError, unknownName } from '@espalier/core';

/** Answers that came with the command, by the names of its flags. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** One question: the flag that answers it beforehand, and what is meant when there is no answer. */
export interface Question {
  readonly flag: string;
  readonly text: string;
  readonly choices?: readonly string[];
  /** Taken where nobody answers. A question without one has to be answered. */
  readonly otherwise?: string;
}

/** Asks a person, a line at a time. */
export type Ask = (text: string) => Promise<string>;

/** Asks on the terminal; undefined where there is none. */
export function terminalAsk(): { readonly ask: Ask; close(): void } | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return { ask: (text) => lines.question(text), close: () => lines.close() };
}

function checked({ flag, choices }: Question, answer: string): string {
  if (choices === undefined || choices.includes(answer)) return answer;
  throw unknownName(`--${flag}`, answer, choices);
}

/** The questions of one command: flags answer them, then a person does, then what is meant otherwise. */
export class Questions {
  readonly #flags: Flags;
  readonly #ask: Ask | undefined;

  constructor(flags: Flags, ask?: Ask) {
    this.#flags = flags;
    this.#ask = ask;
  }

  /** @throws EspalierError `invalid-option` with the flag that is missing, `unknown-name` for none of the choices */
  async answer(question: Question): Promise<string> {
    const { flag, text, choices, otherwise } = question;
    const given = this.#flags[flag];
    if (given !== undefined) return checked(question, given);
    if (this.#ask === undefined) {
      if (otherwise !== undefined) return otherwise;
      const known = choices === undefined ? '' : ` Choices: ${choices.join(', ')}.`;
      throw new EspalierError('invalid-option', `There is nobody to ask: --${flag} is missing.`, {
        remedy: `${text}?${known} For example: ${exampleOf(flag)}`,
      });
    }
    const hints = [choices?.join(', '), otherwise !== undefined && `[${otherwise}]`]
      .filter(Boolean)
      .join(' ');
    for (;;) {
      const line = (await this.#ask(`${text}? ${hints === '' ? '' : `${hints} `}`)).trim();
      const answer = line === '' ? otherwise : line;
      if (answer !== undefined && (choices === undefined || choices.includes(answer))) return answer;
    }
  }
}

function exampleOf(flag: string): string {
  if (flag === 'target') return 'espalier init --data table.csv --target price';
  if (flag === 'labels') return 'espalier init --data x.npy --labels y.npy';
  return 'espalier init --data photos';
}
