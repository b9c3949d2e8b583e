import { type Graph, type GraphNode, isFloat, nodeName, type Signature } from './graph.js';

/**
 * Operations that choose: what comes behind them lies elsewhere, or has another size, when two candidates swap places. Outputs
 * of two models cannot be compared there element by element.
 */
const sorting = /^(NonMaxSuppression\w*|Where|TopK(V2)?|UniqueV?\d*|ListDiff|DenseBincount)$/;

/** Operations whose results are no floats, or steps, which have no slope. */
const counting =
  /^(ArgM(ax|in)|Cast|(Not)?Equal|Greater(Equal)?|Less(Equal)?|Logical\w+|LookupTableFind(V2)?|Round|Floor|Ceil|Any|All|Bincount)$/;

/** What stands for a list of tensors, or gives several at once: its inputs say as much, and can be asked for by name. */
const several = /^(TensorArray|TensorList|Split(V)?$|Unpack$|Switch$)/;

/** What `GraphModel.execute` refuses: these wait for values. */
const waiting =
  /^(Switch|Merge|Enter|Exit|NextIteration|LoopCond|(Stateless)?If|(Stateless)?While|NonMaxSuppression\w*|Where|UniqueV?\d*|ListDiff|HashTable(V2)?|LookupTable\w+)$/i;

/** What leaves the elements of its first input as they are: all of them, or some. */
const whole = /^(Identity|Reshape|Squeeze|ExpandDims|Transpose)$/;
const some = /^(Strided)?Slice$/;
const isWhole = ({ op, attr }: GraphNode): boolean =>
  whole.test(op) || (op === 'Unpack' && Number(attr?.num?.i) === 1);
const isSome = (node: GraphNode): boolean => isWhole(node) || some.test(node.op);

/** Which tensors of a graph are compared, and how they are computed. */
export interface GraphOutputs {
  /** As `GraphModel.execute` takes them. */
  readonly names: readonly string[];
  /** Are some of these not what the model returns, but what led to it? */
  readonly before: readonly string[];
  /** Has it to be `executeAsync`? */
  readonly waits: boolean;
}

/**
 * Chooses what is compared: the float outputs. Where an output is the result of a choice that the network makes (boxes behind
 * NonMaxSuppression, a class behind ArgMax), it is what the choice is made from, the last values that small errors move a
 * little only.
 *
 * @param own - What the model returns by itself.
 * @param isWeight - Is the constant of this name one of those that are quantised?
 */
export function chooseOutputs(
  graph: Graph,
  own: readonly string[],
  signature: Signature | undefined,
  isWeight: (name: string) => boolean,
): GraphOutputs {
  const inside = branches(graph);
  const learned = graph.reach(
    [...graph.nodes].filter(({ name, op }) => op === 'Const' && isWeight(name)),
    (node) => graph.readersOf(node),
  );
  const fed = graph.reach(
    [...graph.nodes].filter(({ op }) => op.startsWith('Placeholder')),
    (node) => graph.readersOf(node),
  );
  /** Where elements come from that have merely been moved since. */
  const originOf = (node: GraphNode, isMove: (node: GraphNode) => boolean): GraphNode => {
    const [from] = graph.inputsOf(node);
    if (!from || !isMove(node)) return node;
    const named = isMove(from) || !several.test(from.op);
    return named && learned.has(from) && fed.has(from) && !inside.has(from) ? originOf(from, isMove) : node;
  };
  /** The last nodes before a choice of the network's that `cut` matches. */
  const before = (output: GraphNode, cut: (node: GraphNode) => boolean): GraphNode[] => {
    const chosen = graph.reach(
      [...graph.ancestors(output)].filter(
        (node) => cut(node) && graph.inputsOf(node).some((n) => learned.has(n)),
      ),
      (node) => graph.readersOf(node),
    );
    if (!chosen.has(output)) return [output];
    const found = new Set<GraphNode>();
    graph.reach([output], (node) => {
      if (chosen.has(node) || inside.has(node) || several.test(node.op)) return graph.inputsOf(node);
      // Boxes or scores that a choice takes class by class are one tensor.
      if (learned.has(node) && fed.has(node)) found.add(originOf(node, isSome));
      return [];
    });
    return [...found];
  };
  const names = new Set<string>();
  /** Where the elements of outputs that are compared themselves come from. */
  const origins = new Set<GraphNode>();
  const replaced: string[] = [];
  const covered = new Set<GraphNode>();
  const weightsOf = (nodes: readonly GraphNode[]): GraphNode[] =>
    [...graph.ancestors(...nodes)].filter(({ name, op }) => op === 'Const' && isWeight(name));
  const take = (reference: string, nodes: readonly GraphNode[]): void => {
    for (const weight of weightsOf(nodes)) covered.add(weight);
    replaced.push(reference);
    for (const node of nodes) if (!origins.has(node)) names.add(node.name);
  };
  const typed = own.map((reference) => {
    const node = graph.node(tensorOf(reference, signature));
    return { reference, node, float: node === undefined || isFloat(typeOf(reference, node, signature)) };
  });
  const chosenFrom: (readonly [string, readonly GraphNode[]])[] = [];
  for (const { reference, node, float } of typed) {
    if (!float) continue;
    const nodes = node && before(node, ({ op }) => sorting.test(op));
    if (node && nodes && (nodes.length !== 1 || nodes[0] !== node)) chosenFrom.push([reference, nodes]);
    else {
      names.add(withoutChecks(graph, reference, signature));
      if (!node) continue;
      for (const weight of weightsOf([node])) covered.add(weight);
      origins.add(originOf(node, isWhole));
    }
  }
  for (const [reference, nodes] of chosenFrom) take(reference, nodes);
  for (const { reference, node, float } of typed) {
    if (float || !node) continue;
    const nodes = before(node, (n) => sorting.test(n.op) || (counting.test(n.op) && !isFloatCast(n)));
    const makes = nodes.filter((n) => n !== node);
    if (weightsOf(makes).some((weight) => !covered.has(weight))) take(reference, makes);
  }
  const chosen = names.size > 0 ? [...names] : [...own];
  const needed = graph.ancestors(...chosen.flatMap((name) => graph.node(tensorOf(name, signature)) ?? []));
  return {
    names: chosen,
    before: names.size > 0 ? replaced : [],
    waits: [...needed].some(({ op }) => waiting.test(op)),
  };
}

const tensorOf = (reference: string, signature: Signature | undefined): string =>
  signature?.outputs?.[reference]?.name ?? signature?.outputs?.[nodeName(reference)]?.name ?? reference;

/** An output that copies another tensor and waits for checks (`^assert`) is that tensor: TF.js would run all that the checks need. */
function withoutChecks(graph: Graph, reference: string, signature: Signature | undefined): string {
  const { op, input = [] } = graph.node(tensorOf(reference, signature)) ?? {};
  const [from, ...checks] = input;
  return op === 'Identity' && from && checks.length > 0 ? withoutChecks(graph, from, signature) : reference;
}

function typeOf(
  reference: string,
  { attr = {} }: GraphNode,
  signature: Signature | undefined,
): string | number | undefined {
  const named = signature?.outputs?.[reference]?.dtype;
  return named ?? (attr.DstT ?? attr.output_type ?? attr.T ?? attr.Tparams ?? attr.dtype)?.type;
}

const isFloatCast = ({ op, attr }: GraphNode): boolean => op === 'Cast' && isFloat(attr?.DstT?.type);

/** Nodes of branches and loops, which may be computed never, or more than once. */
function branches(graph: Graph): Set<GraphNode> {
  const start = [...graph.nodes].filter(({ op }) => op === 'Switch' || op === 'Enter');
  return graph.reach(start, (node) =>
    graph.readersOf(node).filter(({ op }) => op !== 'Exit' && op !== 'Merge'),
  );
}
