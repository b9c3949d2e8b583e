/*
 * The frozen text that primes the text model: part of the format, never to be changed. It is what TF.js writes for a
 * dense network.
 */
const layer = (units: string, name: number, input: string): string =>
  `{"class_name":"Dense","config":{"units":${units}","use_bias":true,"kernel_initializer":{"class_name":"VarianceScaling","config":{"scale":1,"mode":"fan_avg","distribution":"normal","seed":null}},"bias_initializer":{"class_name":"Zeros","config":{}},"kernel_regularizer":null,"bias_regularizer":null,"activity_regularizer":null,"kernel_constraint":null,"bias_constraint":null,"name":"dense_Dense${name}","trainable":true${input}}}`;
const names = (i: number): string => `,"dense_Dense${i}/kernel","dense_Dense${i}/bias"`;

/** The text, as the bytes of ASCII. */
export function primer(): Uint8Array {
  const text = `[{"modelTopology":{"class_name":"Sequential","config":{"name":"sequential_1","layers":[${layer('300,"activation":"relu', 1, ',"batch_input_shape":[null,784],"dtype":"float32"')},${layer('100,"activation":"relu', 2, '')},${layer('10,"activation":"softmax', 3, '')}]},"keras_version":"tfjs-layers 4.22.0","backend":"tensor_flow.js"},"format":"layers-model","generatedBy":"TensorFlow.js tfjs-layers v4.22.0","convertedBy":null}${names(1)}${names(2)}${names(3)}]`;
  return new TextEncoder().encode(text);
}
