import type { ModelArtifacts } from '@espalier/codec';

/** A part of a model as it can be unfolded: a layer, a layer that is a model, a scope of a graph. */
export interface Layer {
  readonly name: string;
  /** Class of the layer, or operations of the scope. */
  readonly type: string;
  /** What it reads, by names. */
  readonly from: readonly string[];
  /** A few settings, as text. */
  readonly settings: readonly (readonly [string, string])[];
  /** Names of its own tensors. */
  readonly tensors: readonly string[];
  readonly layers: readonly Layer[];
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Settings that say much about a layer, in this order. */
const told =
  'units filters kernel_size strides padding dilation_rate activation rate pool_size size axis batch_input_shape use_bias return_sequences input_dim output_dim target_shape'.split(
    ' ',
  );

function settingsOf(config: Json): (readonly [string, string])[] {
  return told.flatMap((key) => {
    const value = config[key];
    if (value === undefined || value === null || isObject(value)) return [];
    const text = Array.isArray(value)
      ? value.map((part) => (part === null ? 'any' : String(part))).join(' × ')
      : String(value);
    return [[key.replaceAll('_', ' '), text] as const];
  });
}

/** Names of layers in `inbound_nodes`, however deep they lie in lists. */
function namesIn(nodes: unknown): string[] {
  if (!Array.isArray(nodes)) return [];
  const [first] = nodes;
  if (typeof first === 'string' && typeof nodes[1] === 'number') return [first];
  return nodes.flatMap(namesIn);
}

function layersOf(model: unknown, tensors: readonly string[], prefix = ''): Layer[] {
  const config = isObject(model) ? model.config : undefined;
  const list = Array.isArray(config) ? config : isObject(config) ? config.layers : undefined;
  if (!Array.isArray(list)) return [];
  let before: string[] = [];
  return list.filter(isObject).map((layer): Layer => {
    const own = isObject(layer.config) ? layer.config : {};
    const name = String(layer.name ?? own.name ?? layer.class_name);
    const inbound = namesIn(layer.inbound_nodes);
    const from = layer.inbound_nodes === undefined ? before : inbound;
    before = [name];
    const inner = isObject(own.layer) ? own.layer : layer;
    const layers = layersOf(inner, tensors, `${prefix}${name}/`);
    const starts = [`${prefix}${name}/`, `${name}/`];
    return {
      name,
      type: String(layer.class_name ?? 'Layer'),
      from: [...new Set(from)],
      settings: settingsOf(own),
      tensors:
        layers.length > 0 ? [] : tensors.filter((tensor) => starts.some((start) => tensor.startsWith(start))),
      layers,
    };
  });
}

interface Scope {
  readonly ops: Map<string, number>;
  readonly tensors: string[];
  readonly scopes: Map<string, Scope>;
}

const emptyScope = (): Scope => ({ ops: new Map(), tensors: [], scopes: new Map() });

function count(scope: Scope): Map<string, number> {
  const all = new Map(scope.ops);
  for (const inner of scope.scopes.values()) {
    for (const [op, n] of count(inner)) all.set(op, (all.get(op) ?? 0) + n);
  }
  return all;
}

function layerOf(name: string, scope: Scope): Layer {
  // A scope that holds nothing but one scope is one with it.
  if (scope.ops.size === 0 && scope.tensors.length === 0 && scope.scopes.size === 1) {
    const [[inner, only]] = scope.scopes;
    return layerOf(`${name}/${inner}`, only);
  }
  const ops = [...count(scope)].filter(([op]) => op !== 'Const').sort((a, b) => b[1] - a[1]);
  return {
    name,
    type: ops
      .slice(0, 3)
      .map(([op, n]) => (n > 1 ? `${op} × ${n}` : op))
      .join(', '),
    from: [],
    settings: ops.slice(3).map(([op, n]) => [op, String(n)] as const),
    tensors: scope.tensors,
    layers: [...scope.scopes].map(([inner, one]) => layerOf(inner, one)),
  };
}

/** The scopes of a graph's names, `a/b/c`, as a tree. */
function scopesOf(nodes: readonly unknown[], tensors: ReadonlySet<string>): Layer[] {
  const root = emptyScope();
  for (const node of nodes) {
    if (!isObject(node)) continue;
    const name = String(node.name);
    const parts = name.split('/');
    let scope = root;
    for (const part of parts.length > 1 ? parts.slice(0, -1) : parts) {
      const inner = scope.scopes.get(part) ?? emptyScope();
      scope.scopes.set(part, inner);
      scope = inner;
    }
    const op = String(node.op);
    scope.ops.set(op, (scope.ops.get(op) ?? 0) + 1);
    if (tensors.has(name)) scope.tensors.push(name);
  }
  return layerOf('', root).layers as Layer[];
}

/** What a model is built of. Weights without a model are by themselves. */
export function modelLayers({ modelTopology: topology, weightSpecs = [] }: ModelArtifacts): Layer[] {
  const names = weightSpecs.map(({ name }) => name);
  if (isObject(topology) && Array.isArray(topology.node)) return scopesOf(topology.node, new Set(names));
  const model = isObject(topology) ? (topology.model_config ?? topology) : undefined;
  const layers = layersOf(model, names);
  if (layers.length > 0) return layers;
  return names.map((name) => ({ name, type: 'tensor', from: [], settings: [], tensors: [name], layers: [] }));
}
