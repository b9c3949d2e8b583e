import type { ModelArtifacts } from '@espalier/codec';
import { readWeights } from '@espalier/compress';
import { concatenated } from '../arrays/plain-tensor.js';
import { isObject, type Json } from '../tfjs/json.js';
import { place } from './place.js';
import { leftOut, topologyOf } from './read-keras.js';
import { slotsOf } from './slots.js';
import { kerasTopology } from './topology.js';

/** What Keras 3 writes and TF.js does not read. */
function isKeras3(value: Json): boolean {
  if (Array.isArray(value)) return value.some(isKeras3);
  if (!isObject(value)) return false;
  if ('batch_shape' in value || '__keras_tensor__' === value.class_name) return true;
  if (isObject(value.dtype) && 'class_name' in value.dtype) return true;
  return Object.values(value).some(isKeras3);
}

/**
 * The same model, if it is a LayersModel with a topology of Keras 3, as TF.js loads it: the converter copies what Keras 3 writes.
 * Where TF.js could not make it, the weights alone.
 */
export function withoutKeras3(
  artifacts: ModelArtifacts,
  file: string,
  log: (line: string) => void,
): ModelArtifacts {
  const topology = artifacts.modelTopology as unknown as Json;
  // A graph is not Keras', whatever its nodes are called.
  if (isObject(topology) && topology.node !== undefined) return artifacts;
  // With a training configuration beside it, or not; the converter of Keras 2 leaves out the outer object.
  const config = isObject(topology) ? (topology.model_config ?? topology) : undefined;
  if (config === undefined || !isObject(config) || !isKeras3(config)) return artifacts;
  const told = isObject(topology) ? topology.keras_version : undefined;
  const version = typeof told === 'string' && !told.startsWith('2') ? told : '3';
  const { modelTopology: _, ...weights } = artifacts;
  const alone = (reason: string): ModelArtifacts => {
    log(`${file}: only the weights are read, for ${reason}`);
    const { weightSpecs, weightData } = weights;
    return { ...(weightSpecs && { weightSpecs }), ...(weightData && { weightData }) };
  };
  const made = kerasTopology(config, version);
  if ('reason' in made) return alone(made.reason);
  const slots = slotsOf(made.model).flat();
  const tensors = readWeights(artifacts);
  const found = place(
    slots,
    tensors.map(({ name }) => name),
    true,
  );
  if (!found) return alone('its weights do not fit its configuration');
  if (made.left.length > 0) log(leftOut(file, made.left));
  const parts = found.map((index) => tensors[index].bytes);
  return {
    ...weights,
    modelTopology: topologyOf(made.model, version),
    weightSpecs: found.map((index, slot) => ({ ...tensors[index].spec, name: slots[slot].name })),
    weightData: concatenated(parts).buffer,
  };
}
