/**
 * The attributes of a graph model's nodes in order of their names. They are a map, which Protocol Buffers write in any
 * order; in one order they repeat themselves.
 */
export function canonicalTopology(topology: unknown): unknown {
  const nodes = (topology as { node?: unknown } | null | undefined)?.node;
  if (!Array.isArray(nodes)) return topology;
  const node = nodes.map((each: unknown) => {
    const attr = (each as { attr?: unknown } | null)?.attr;
    return isPlain(attr) ? { ...(each as object), attr: sorted(attr) } : each;
  });
  return { ...(topology as object), node };
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('toJSON' in value);
}

function sorted(value: object): object {
  const fields = Object.entries(value);
  const names = fields.map(([name]) => name).sort();
  const byName = new Map(fields);
  return Object.fromEntries(names.map((name) => [name, byName.get(name)]));
}
