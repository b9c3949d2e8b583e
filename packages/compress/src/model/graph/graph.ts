/** A node of a GraphModel's topology, as TensorFlow writes it. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, Attribute>>;
}

interface Attribute {
  readonly type?: string | number;
  readonly i?: string | number;
  readonly shape?: TensorShape;
}

export interface TensorShape {
  readonly dim?: readonly { readonly size: string | number }[];
  readonly unknownRank?: boolean;
}

/** A tensor in the signature. */
export interface SignatureTensor {
  readonly name: string;
  readonly dtype?: string;
  readonly resourceId?: number;
}

export interface Signature {
  readonly inputs?: Readonly<Record<string, SignatureTensor>>;
  readonly outputs?: Readonly<Record<string, SignatureTensor>>;
}

/** `a` of `a:1` and `^a`. */
export const nodeName = (reference: string): string => reference.replace(/^\^/, '').replace(/:\d+$/, '');

/** Types that TF.js computes with as float32. */
const floats = new Set(['DT_FLOAT', 'DT_HALF', 'DT_BFLOAT16', 'DT_DOUBLE', '1', '2', '14', '19']);

/** Is the type one of floats? Of an unknown one that is believed. */
export const isFloat = (type: string | number | undefined): boolean =>
  type === undefined || floats.has(String(type));

/** Who reads whom in a GraphModel's topology. */
export class Graph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #readers = new Map<string, GraphNode[]>();

  constructor(nodes: readonly GraphNode[]) {
    for (const node of nodes) this.#nodes.set(node.name, node);
    for (const node of nodes) {
      for (const from of this.inputsOf(node)) {
        const readers = this.#readers.get(from.name) ?? [];
        readers.push(node);
        this.#readers.set(from.name, readers);
      }
    }
  }

  get nodes(): Iterable<GraphNode> {
    return this.#nodes.values();
  }

  node(reference: string): GraphNode | undefined {
    return this.#nodes.get(nodeName(reference));
  }

  /** What it takes values from, in order. */
  inputsOf({ input = [] }: GraphNode): GraphNode[] {
    return input.flatMap((reference) => (reference.startsWith('^') ? [] : (this.node(reference) ?? [])));
  }

  readersOf({ name }: GraphNode): readonly GraphNode[] {
    return this.#readers.get(name) ?? [];
  }

  /** How many operations read its value, copies of it included. */
  uses(node: GraphNode): number {
    return this.readersOf(node).reduce(
      (sum, reader) => sum + (reader.op === 'Identity' ? Math.max(1, this.uses(reader)) : 1),
      0,
    );
  }

  /** All that is reached from `start`, itself included, by `next`. */
  reach(start: readonly GraphNode[], next: (node: GraphNode) => readonly GraphNode[]): Set<GraphNode> {
    const found = new Set(start);
    // A set visits what is added on the way.
    for (const node of found) for (const other of next(node)) found.add(other);
    return found;
  }

  /** All that its value depends on, itself included. */
  ancestors(...nodes: readonly GraphNode[]): Set<GraphNode> {
    return this.reach(nodes, (node) => this.inputsOf(node));
  }
}
