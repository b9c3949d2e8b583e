/*
 * The part of `tf.io` that the codec speaks, declared here so that nothing of TensorFlow.js is imported:
 * objects of either side are accepted by the other.
 */

/** How a stored integer or half becomes a number: `value * scale + min`, or a float16. */
export interface WeightQuantization {
  dtype: 'uint8' | 'uint16' | 'float16';
  scale?: number;
  min?: number;
}

/** One tensor of a model, as `tf.io.WeightsManifestEntry`. */
export interface WeightSpec {
  name: string;
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool' | 'string' | 'complex64';
  group?: 'model' | 'optimizer';
  quantization?: WeightQuantization;
}

/** A saved model, as `tf.io.ModelArtifacts`. */
export interface ModelArtifacts {
  // biome-ignore lint/complexity/noBannedTypes: the type that tf.io declares.
  modelTopology?: {} | ArrayBuffer;
  weightSpecs?: WeightSpec[];
  weightData?: ArrayBuffer | ArrayBuffer[];
  getWeightStream?: () => ReadableStream<ArrayBuffer>;
  format?: string;
  generatedBy?: string;
  convertedBy?: string | null;
  // biome-ignore lint/complexity/noBannedTypes: the type that tf.io declares.
  signature?: {};
  // biome-ignore lint/complexity/noBannedTypes: the type that tf.io declares.
  userDefinedMetadata?: { [key: string]: {} };
  // biome-ignore lint/complexity/noBannedTypes: the type that tf.io declares.
  modelInitializer?: {};
  // biome-ignore lint/complexity/noBannedTypes: the type that tf.io declares.
  initializerSignature?: {};
}

/** What {@link decode} returns: artifacts whose weights are there, in one buffer. */
export interface DecodedArtifacts extends ModelArtifacts {
  weightSpecs: WeightSpec[];
  weightData: ArrayBuffer;
}
