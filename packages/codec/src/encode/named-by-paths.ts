import type { ModelArtifacts, WeightSpec } from '../artifacts.js';
import { type LayerJson, layersModelOf, type Placed, placedLayers, renameLayer } from './layer-names.js';

/** Weights that a layer has unless its configuration says no. */
const optional: Readonly<Record<string, string>> = { bias: 'use_bias', gamma: 'scale', beta: 'center' };

function mayHave({ config }: LayerJson, weight: string): boolean {
  const last = weight.slice(weight.lastIndexOf('/') + 1);
  return !Object.hasOwn(optional, last) || config[optional[last]] !== false;
}

/** As TF.js lists weights: those that are trained before the others. */
function inOrder(layers: readonly Placed[], weight: string): Placed[] {
  const own = layers.filter(({ layer }) => mayHave(layer, weight));
  if (/(^|\/)moving_\w+$/.test(weight)) return own;
  const frozen = ({ layer }: Placed): boolean => layer.config.trainable === false;
  return [...own.filter((one) => !frozen(one)), ...own.filter(frozen)];
}

/**
 * A LayersModel in which no two weights have the same name. TensorFlow.js names a weight by its layer alone: of two models in a
 * model whose layers have equal names `model.save` gives what `loadLayersModel` refuses. Such layers are named by their paths
 * here, `left/fc` and `right/fc`, and their weights `left/fc/kernel` and `right/fc/kernel`. Everything else stays as it is.
 *
 * @example
 * ```ts
 * import { namedByPaths } from '@espalier/codec';
 *
 * const fc = () => ({ class_name: 'Dense', config: { name: 'fc', units: 1, use_bias: false, batch_input_shape: [null, 1] } });
 * const inner = (name: string) => ({ class_name: 'Sequential', config: { name, layers: [fc()] } });
 * const weightSpecs = [0, 1].map(() => ({ name: 'fc/kernel', shape: [1, 1], dtype: 'float32' as const }));
 * const modelTopology = { class_name: 'Sequential', config: { name: 'm', layers: [inner('left'), inner('right')] } };
 * const named = namedByPaths({ modelTopology, weightSpecs, weightData: Float32Array.of(1, 2).buffer });
 * const names = named.weightSpecs?.map(({ name }) => name).join();
 * if (names !== 'left/fc/kernel,right/fc/kernel') throw new Error(names);
 * ```
 */
export function namedByPaths(artifacts: ModelArtifacts): ModelArtifacts {
  const { modelTopology, weightSpecs } = artifacts;
  const given = layersModelOf(modelTopology);
  if (given === undefined || !Array.isArray(weightSpecs)) return artifacts;
  const alike = equalNames([...placedLayers(given)], weightSpecs);
  if (alike.size === 0) return artifacts;
  const specs = weightSpecs.map((spec) => ({ ...spec }));
  for (const [name, layers] of alike) {
    const weights = new Map<string, WeightSpec[]>();
    for (const spec of specs) {
      if (!spec.name.startsWith(`${name}/`)) continue;
      const weight = spec.name.slice(name.length + 1);
      weights.set(weight, [...(weights.get(weight) ?? []), spec]);
    }
    for (const [weight, own] of weights) {
      const owners = inOrder(layers, weight);
      // Whose it is cannot be told: who loads it says what is missing.
      if (owners.length !== own.length) return artifacts;
      for (const [i, { path }] of owners.entries()) own[i].name = `${path.join('/')}/${weight}`;
    }
  }
  const topology = structuredClone(modelTopology) as object;
  for (const { layer, parent, path } of placedLayers(layersModelOf(topology) as LayerJson)) {
    if (path.length > 1 && alike.has(path[path.length - 1])) renameLayer(parent, layer, path.join('/'));
  }
  return { ...artifacts, modelTopology: topology, weightSpecs: specs };
}

/** Layers that share their names with others, where weights are named after them. */
function equalNames(layers: readonly Placed[], specs: readonly WeightSpec[]): Map<string, Placed[]> {
  const byName = new Map<string, Placed[]>();
  for (const one of layers) {
    const name = one.path[one.path.length - 1];
    byName.set(name, [...(byName.get(name) ?? []), one]);
  }
  const isNamed = (name: string): boolean =>
    specs.some((spec) => typeof spec?.name === 'string' && spec.name.startsWith(`${name}/`));
  for (const [name, own] of byName) {
    const counts = own.length > 1 && (isNamed(name) || own.some(({ path }) => isNamed(path.join('/'))));
    if (!counts) byName.delete(name);
  }
  return byName;
}

/** The same where two weights have equal names; else what was given. */
export function withDistinctNames(artifacts: ModelArtifacts): ModelArtifacts {
  const specs = artifacts?.weightSpecs;
  const names = Array.isArray(specs) ? specs.map((spec: WeightSpec | null) => spec?.name) : [];
  return new Set(names).size < names.length ? namedByPaths(artifacts) : artifacts;
}
