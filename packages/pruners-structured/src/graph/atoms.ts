import { EspalierError } from '@espalier/core';
/**
 * Channels that must live or die together. An atom is one output of one layer; atoms that are added to each
 * other, or that index the same weights, become one class (union-find with path halving).
 */
export class Atoms {
  readonly #parent: number[] = [];
  /** Why a class must stay, by its root. */
  readonly #reasons = new Map<number, string>();

  /** `n` new classes of one atom each. */
  fresh(n: number): Int32Array {
    const first = this.#parent.length;
    for (let i = 0; i < n; i++) this.#parent.push(first + i);
    return Int32Array.from({ length: n }, (_, i) => first + i);
  }

  /** The class of an atom, named by the oldest atom in it. */
  find(atom: number): number {
    const parent = this.#parent;
    while (parent[atom] !== atom) {
      parent[atom] = parent[parent[atom]];
      atom = parent[atom];
    }
    return atom;
  }

  /** Joins the classes of `a[i]` and `b[i]` for every i. */
  union(a: Int32Array, b: Int32Array): void {
    if (a.length !== b.length) {
      throw new EspalierError('shape-mismatch', `${a.length} channels cannot be tied to ${b.length}.`);
    }
    for (let i = 0; i < a.length; i++) this.join(a[i], b[i]);
  }

  join(a: number, b: number): void {
    const [one, other] = [this.find(a), this.find(b)];
    if (one === other) return;
    const [root, gone] = one < other ? [one, other] : [other, one];
    this.#parent[gone] = root;
    const reason = this.#reasons.get(root) ?? this.#reasons.get(gone);
    this.#reasons.delete(gone);
    if (reason !== undefined) this.#reasons.set(root, reason);
  }

  /** These channels must stay, and why. The first reason given for a class is kept. */
  protect(atoms: Int32Array, reason: string): void {
    for (const atom of atoms) {
      const root = this.find(atom);
      if (!this.#reasons.has(root)) this.#reasons.set(root, reason);
    }
  }

  /** Why the class of an atom must stay; `undefined` when it may go. */
  reason(atom: number): string | undefined {
    return this.#reasons.get(this.find(atom));
  }

  /** The classes of a list of atoms. */
  classes(atoms: Int32Array): Int32Array {
    return atoms.map((atom) => this.find(atom));
  }
}
