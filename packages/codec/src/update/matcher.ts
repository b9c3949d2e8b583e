import { equalBytes } from '../bytes/equal.js';
import type { TensorEntry } from '../container/format.js';
import { canBeGiven } from './given.js';
import type { Opened } from './opened.js';

/** Most older tensors of another name and place that are tried for one. */
const OTHERS = 3;

/** Finds older tensors for new ones. */
export class Matcher {
  readonly #old: Opened;
  readonly #next: Opened;
  /** Numbers of older tensors by name, and by lengths and checksums of their tiles. */
  readonly #names = new Map<string, number>();
  readonly #payloads = new Map<string, number>();
  /** Names of the new file. */
  readonly #known: ReadonlySet<string>;
  readonly #given = new Set<number>();

  constructor(old: Opened, next: Opened) {
    this.#old = old;
    this.#next = next;
    this.#known = new Set(next.header.tensors.map(({ spec }) => spec.name));
    old.header.tensors.forEach((entry, i) => {
      this.#names.set(entry.spec.name, i);
      if (entry.parts.length > 0) this.#payloads.set(keyOf(entry), i);
    });
  }

  /** The older tensor that has the same payloads. */
  same(index: number): number | undefined {
    const found = this.#payloads.get(keyOf(this.#next.header.tensors[index]));
    if (found === undefined || !equalBytes(this.#old.payload(found), this.#next.payload(index)))
      return undefined;
    return found;
  }

  /** Older tensors that a new one may be a version of, the likely ones first: by name, by place, and a few whose names are gone. */
  candidates(index: number): number[] {
    const entry = this.#next.header.tensors[index];
    const { tensors } = this.#old.header;
    const fits = (i: number): boolean =>
      i < tensors.length && !this.#given.has(i) && canBeGiven(entry, tensors[i]);
    const likely = [this.#names.get(entry.spec.name) ?? index, index].filter(fits);
    const others: number[] = [];
    for (let i = 0; i < tensors.length && others.length < OTHERS; i++) {
      if (!this.#known.has(tensors[i].spec.name) && fits(i)) others.push(i);
    }
    return [...new Set([...likely, ...others])];
  }

  /** An older tensor may be made use of once. */
  give(source: number): void {
    this.#given.add(source);
  }
}

function keyOf({ parts }: TensorEntry): string {
  return parts.map(({ length, crc }) => `${length}:${crc}`).join();
}
