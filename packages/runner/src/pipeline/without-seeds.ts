/**
 * A topology whose initializers have no seeds: they say how weights began that the file has, and loading it is the same
 * without them. The rest is as it was; what is given stays as it is.
 */
export function withoutSeeds(topology: unknown): unknown {
  if (Array.isArray(topology)) return topology.map(withoutSeeds);
  if (topology === null || typeof topology !== 'object') return topology;
  return Object.fromEntries(
    Object.entries(topology).map(([key, value]) => [
      key,
      key.endsWith('_initializer') ? unseeded(value) : withoutSeeds(value),
    ]),
  );
}

/** Without the seed of an initializer, where it has one. */
function unseeded(initializer: unknown): unknown {
  const { config } = (initializer ?? {}) as { config?: unknown };
  if (config === null || typeof config !== 'object' || !('seed' in config)) return initializer;
  return { ...(initializer as object), config: { ...config, seed: null } };
}
