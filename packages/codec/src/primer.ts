/*
 * The frozen text that primes the text model: part of the format, never to be changed. It is written as a
 * program because TF.js repeats itself.
 */
const init = (name: string, kind: string): string =>
  `"${name}_initializer":{"class_name":"${kind}","config":{}},`;
const glorot = (name: string): string =>
  `"${name}_initializer":{"class_name":"VarianceScaling","config":{"scale":1,"mode":"fan_avg","distribution":"normal","seed":null}},`;
const nil = (...names: string[]): string => names.map((name) => `"${name}":null,`).join('');
const layer = (kind: string, config: string, name: string): string =>
  `{"class_name":"${kind}","config":{${config}"name":"${name}","trainable":true`;
const dense = (units: number, activation: string, i: number): string =>
  layer(
    'Dense',
    `"units":${units},"activation":"${activation}","use_bias":true,${glorot('kernel')}${init('bias', 'Zeros')}${nil('kernel_regularizer', 'bias_regularizer', 'activity_regularizer', 'kernel_constraint', 'bias_constraint')}`,
    `dense_Dense${i}`,
  );
const conv = (filters: number, size: number, i: number): string =>
  layer(
    'Conv2D',
    `"filters":${filters},${glorot('kernel')}${nil('kernel_regularizer', 'kernel_constraint')}"kernel_size":[${size},${size}],"strides":[1,1],"padding":"valid","data_format":"channels_last","dilation_rate":[1,1],"activation":"relu","use_bias":true,${init('bias', 'Zeros')}${nil('bias_regularizer', 'activity_regularizer', 'bias_constraint')}`,
    `conv2d_Conv2D${i}`,
  );
const pool = (i: number): string =>
  layer(
    'MaxPooling2D',
    '"pool_size":[2,2],"padding":"valid","strides":[2,2],"data_format":"channels_last",',
    `max_pooling2d_MaxPooling2D${i}`,
  );
const input = (shape: string): string => `,"batch_input_shape":[null,${shape}],"dtype":"float32"}},`;
const start = (i: number): string =>
  `{"modelTopology":{"class_name":"Sequential","config":{"name":"sequential_${i}","layers":[`;
const end =
  '}}]},"keras_version":"tfjs-layers 4.22.0","backend":"tensor_flow.js"},"format":"layers-model","generatedBy":"TensorFlow.js tfjs-layers v4.22.0","convertedBy":null}\n';

const graph =
  '{"modelTopology":{"node":[{"name":"StatefulPartitionedCall/model/","op":"Const","attr":{"value":{"tensor":{"dtype":"DT_FLOAT","tensorShape":{"dim":[{"size":"1"}]}}},"dtype":{"type":"DT_FLOAT"}}},"input":["/BiasAdd/ReadVariableOp"],"attr":{"T":{"padding":{"s":"U0FNRQ=="},"strides":{"list":{"i":["1","1","1","1"]}},"data_format":{"s":"TkhXQw=="}';

let made: Uint8Array | undefined;

/** The text, as the bytes of ASCII. */
export function primer(): Uint8Array {
  if (made) return made;
  const text =
    graph +
    '/gamma\n/beta\n/moving_mean\n/moving_variance\n' +
    `${start(1)}${conv(20, 5, 1)}${input('28,28,1')}${pool(1)}}},${conv(50, 5, 2)}}},` +
    `${layer('Flatten', '', 'flatten_Flatten1')}}},${start(1)}` +
    `${dense(300, 'relu', 1)}${input('784')}${dense(100, 'relu', 2)}}},${dense(10, 'softmax', 3)}${end}` +
    'dense_Dense1/kernel\ndense_Dense1/bias\ndense_Dense2/kernel\ndense_Dense2/bias\ndense_Dense3/kernel\ndense_Dense3/bias\n';
  made = Uint8Array.from(text, (c) => c.charCodeAt(0));
  return made;
}
