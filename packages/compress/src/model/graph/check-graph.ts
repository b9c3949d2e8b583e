import { EspalierError, nearestName, shown } from '@espalier/core';
import { type GraphNode, nodeName, type Signature } from './graph.js';

/** What a topology of a GraphModel holds beside its nodes, before it is known to be one. */
interface Topology {
  readonly node?: unknown;
  readonly library?: { readonly function?: unknown } | null;
}

/** A part of a graph: the whole, or one of its functions. */
interface Part {
  readonly of: string;
  readonly nodes: readonly GraphNode[];
  /** Names that come from outside, the arguments of a function. */
  readonly given: ReadonlySet<string>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function refuse(what: string, remedy = 'It is damaged, or not whole: convert the model anew.'): never {
  throw new EspalierError('bad-model', `The graph is broken: ${what}.`, { remedy });
}

function checkNode(node: unknown, at: string): GraphNode {
  if (!isObject(node)) return refuse(`${at} is ${shown(node)}, no node`);
  const { name, op, input = [], attr = {} } = node;
  if (typeof name !== 'string' || name === '') return refuse(`${at} has the name ${shown(name)}`);
  if (typeof op !== 'string' || op === '') return refuse(`node ${name} has the operation ${shown(op)}`);
  if (!Array.isArray(input) || !input.every((one) => typeof one === 'string')) {
    return refuse(`node ${name} has the inputs ${shown(input)}, no list of names`);
  }
  if (attr !== null && !isObject(attr)) return refuse(`node ${name} has the attributes ${shown(attr)}`);
  const shape = op.startsWith('Placeholder') && isObject(attr?.shape) ? attr.shape.shape : undefined;
  const dims = isObject(shape) ? (shape.dim ?? []) : [];
  const isSize = (dim: unknown): boolean => isObject(dim) && Number.isInteger(Number(dim.size ?? Number.NaN));
  if (!Array.isArray(dims) || !dims.every(isSize)) return refuse(`node ${name} has the shape ${shown(dims)}`);
  return node as unknown as GraphNode;
}

function partOf(list: unknown, of: string, args: readonly unknown[] = []): Part {
  if (!Array.isArray(list)) return refuse(`the nodes of ${of} are ${shown(list)}, no list`);
  const nodes = list.map((node: unknown, i) => checkNode(node, `node ${i} of ${of}`));
  const given = new Set(args.map((arg) => (isObject(arg) ? String(arg.name) : '')));
  return { of, nodes, given };
}

function functionsOf({ library }: Topology): Part[] {
  const list = library?.function ?? [];
  if (!Array.isArray(list)) return refuse(`its functions are ${shown(list)}, no list`);
  return list.map((own: unknown, i) => {
    if (!isObject(own) || !isObject(own.signature)) return refuse(`function ${i} is ${shown(own)}`);
    const { name, inputArg = [] } = own.signature;
    if (typeof name !== 'string' || !Array.isArray(inputArg)) return refuse(`function ${i} has no name`);
    return partOf(own.nodeDef ?? [], name, inputArg);
  });
}

/** Every input is a node, and none waits for itself but by way of a loop. */
function checkReferences({ of, nodes, given }: Part): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  if (byName.size < nodes.length) {
    const twice = nodes.find((node) => byName.get(node.name) !== node);
    refuse(`${of} has two nodes named ${twice?.name}`);
  }
  const waiting = new Map<GraphNode, number>();
  const readers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    let count = 0;
    for (const reference of node.input ?? []) {
      // Of the results of a function's node: `name:result:0`.
      const from = nodeName(reference).split(':')[0];
      if (given.has(from)) continue;
      const source = byName.get(from);
      if (source === undefined) {
        const near = nearestName(from, [...byName.keys()]);
        refuse(
          `node ${node.name} (${node.op}) reads ${from}, and there is no such node${near === undefined ? '' : `; there is ${near}`}`,
        );
      }
      if (source.op === 'NextIteration') continue;
      count++;
      readers.set(from, [...(readers.get(from) ?? []), node]);
    }
    waiting.set(node, count);
  }
  const ready = nodes.filter((node) => waiting.get(node) === 0);
  // A list visits what is added on the way.
  for (const { name } of ready) {
    for (const reader of readers.get(name) ?? []) {
      const left = (waiting.get(reader) as number) - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  const stuck = nodes.find((node) => (waiting.get(node) as number) > 0);
  if (ready.length < nodes.length) refuse(`node ${stuck?.name} waits for its own result, outside of a loop`);
}

function checkCalls(parts: readonly Part[], functions: ReadonlySet<string>): void {
  for (const { nodes } of parts) {
    for (const { name, op, attr } of nodes) {
      if (!/^(Stateless)?(If|While)$/.test(op)) continue;
      for (const value of Object.values(attr ?? {})) {
        const called = (value as { func?: { name?: unknown } } | null)?.func?.name;
        if (called !== undefined && !functions.has(String(called)))
          refuse(`node ${name} (${op}) calls the function ${String(called)}, and there is none of this name`);
      }
    }
  }
}

/** Look-ups in tables that nobody fills would all give the default. */
function checkTables(nodes: readonly GraphNode[], initializer: readonly GraphNode[]): void {
  const tableOf = ({ input = [] }: GraphNode): string => (input[0] === undefined ? '' : nodeName(input[0]));
  const imports = [...nodes, ...initializer].filter(({ op }) => op.startsWith('LookupTableImport'));
  const filled = new Set(imports.map(tableOf));
  // A table may be called otherwise in the graph, which has it as an input then.
  const inputs = new Set(nodes.filter(({ op }) => op.startsWith('Placeholder')).map(({ name }) => name));
  const isFilled = (table: string): boolean => filled.has(table) || (imports.length > 0 && inputs.has(table));
  const find = nodes.find((node) => node.op.startsWith('LookupTableFind') && !isFilled(tableOf(node)));
  if (find === undefined) return;
  throw new EspalierError(
    'cannot-run',
    `The table ${tableOf(find)} that ${find.name} looks into is filled by nothing: the model has no initializer for it.`,
    { remedy: 'Convert the model anew; compressWeights takes the weights by themselves.' },
  );
}

/** What the signature says comes out is in the graph. */
function checkSignature(signature: Signature | undefined, { nodes }: Part): void {
  const names = new Set(nodes.map(({ name }) => name));
  for (const kind of ['inputs', 'outputs'] as const) {
    const tensors: Readonly<Record<string, unknown>> = signature?.[kind] ?? {};
    const named = Object.entries(tensors).map(([key, tensor]) => {
      const name = isObject(tensor) ? tensor.name : undefined;
      return typeof name === 'string'
        ? nodeName(name)
        : refuse(`its signature has for ${key} ${shown(tensor)}, no tensor`);
    });
    // TensorFlow.js passes over outputs that are not there, unless none is.
    if (kind === 'outputs' && named.length > 0 && !named.some((name) => names.has(name)))
      refuse(`its signature names the output ${named[0]}, and there is no such node`);
  }
}

/**
 * TensorFlow.js believes what a graph says, and stumbles somewhere where it is not so. Here it is looked at before.
 *
 * @throws EspalierError `bad-model` with the node at fault; `cannot-run` where a table has no values
 */
export function checkGraph(
  topology: Topology,
  signature: Signature | undefined,
  initializer: { readonly node?: unknown } | null | undefined,
): void {
  const graph = partOf(topology.node, 'the graph');
  if (graph.nodes.length === 0) refuse('it has no nodes');
  const functions = functionsOf(topology);
  const start = partOf(initializer?.node ?? [], 'the initializer');
  const parts = [graph, ...functions, start];
  for (const part of parts) checkReferences(part);
  checkCalls(parts, new Set(functions.map(({ of }) => of)));
  checkSignature(signature, graph);
  checkTables(graph.nodes, start.nodes);
}

/** @throws EspalierError `bad-model` for a constant that is needed and has no values */
export function checkConstants(needed: Iterable<GraphNode>, weights: ReadonlyMap<string, unknown>): void {
  for (const { name, op } of needed) {
    if (op === 'Const' && !weights.has(name)) {
      refuse(
        `the constant ${name} has no values`,
        'Its weights manifest does not name it: take the model.json and the weights of one conversion.',
      );
    }
  }
}
