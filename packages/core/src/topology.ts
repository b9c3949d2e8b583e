import type { LayersModel, layers } from '@tensorflow/tfjs-layers';

/** A layer, or what it is made of, in a model's JSON. */
interface Written {
  readonly class_name: string;
  readonly config: Record<string, unknown>;
}

/** The parts of TF.js layers that its declarations hide; each is there for some classes only. */
interface Inside {
  readonly layers?: readonly layers.Layer[];
  readonly layer?: layers.Layer;
  readonly cell?: { readonly cells?: unknown };
  readonly depthMultiplier?: number;
  readonly dataFormat?: string;
  readonly noiseShape?: readonly number[];
  readonly depthwiseConstraint?: Part | null;
}
interface Part {
  getClassName(): string;
  getConfig(): Record<string, unknown>;
}

const snake = (text: string): string => text.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

function written(part: Part | null | undefined): Written | null {
  if (part == null) return null;
  const entries = Object.entries(part.getConfig()).map(([key, value]) => [snake(key), value]);
  return { class_name: part.getClassName(), config: Object.fromEntries(entries) };
}

/** What TF.js 4.22 leaves out when it writes a layer, or writes wrongly, by the layer's class. */
const unwritten: Readonly<Record<string, (layer: Inside) => Record<string, unknown>>> = {
  SeparableConv2D: ({ depthMultiplier }) => ({ depth_multiplier: depthMultiplier }),
  // It writes the regularizer in the constraint's place.
  DepthwiseConv2D: ({ depthwiseConstraint }) => ({ depthwise_constraint: written(depthwiseConstraint) }),
  Conv1D: ({ dataFormat }) => (dataFormat === undefined ? {} : { data_format: snake(dataFormat) }),
  AlphaDropout: ({ noiseShape }) => (noiseShape === undefined ? {} : { noise_shape: noiseShape }),
};

function complete(layer: layers.Layer, { config }: Written): void {
  const className = layer.getClassName();
  const it = layer as unknown as Inside;
  if (Object.hasOwn(unwritten, className)) Object.assign(config, unwritten[className](it));
  // A stack of cells loses its name when it is read, and is numbered by all that the process has made.
  if (it.cell?.cells !== undefined) (config.cell as Written).config.name = `${layer.name}_cells`;
  if (it.layers !== undefined) completeAll(it.layers, config);
  // Of a bidirectional wrapper `layer` is the pattern, and all that it may be is written whole.
  else if (it.layer !== undefined) complete(it.layer, config.layer as Written);
}

function completeAll(own: readonly layers.Layer[], config: Record<string, unknown>): void {
  const list = (Array.isArray(config) ? config : config.layers) as readonly Written[];
  const byName = new Map(list.map((one) => [one.config.name, one]));
  for (const layer of own) {
    const found = byName.get(layer.name);
    if (found !== undefined) complete(layer, found);
  }
}

/**
 * A model as JSON, without weights: what `model.toJSON` gives, and what that leaves out (TF.js 4.22 loses the
 * depth multiplier of separable convolutions, say), so that a model made of it is the same one. The object is the
 * caller's.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { topologyOf } from '@espalier/core';
 * const conv = { filters: 4, kernelSize: 3, depthMultiplier: 3, inputShape: [8, 8, 2] };
 * const model = tfl.sequential({ layers: [tfl.layers.separableConv2d(conv)] });
 * const again = await tfl.models.modelFromJSON({ modelTopology: topologyOf(model) } as never);
 * if (again.countParams() !== model.countParams()) throw new Error(String(again.countParams()));
 * ```
 */
export function topologyOf(model: LayersModel): Record<string, unknown> {
  const topology = JSON.parse(JSON.stringify(model.toJSON(undefined, false))) as Record<string, unknown>;
  completeAll(model.layers, topology.config as Record<string, unknown>);
  return topology;
}
