import type { Source, Trace, TracedCall } from './trace.js';

/** A call of a program. */
export interface ProgramCall extends TracedCall {
  /** Which of the step it was. */
  readonly index: number;
}

/** What is left of a step. */
export interface Simplified {
  readonly calls: readonly ProgramCall[];
  /** Which of the step's numbers are to be given: those in use, and those that each step makes. */
  readonly numbers: readonly number[];
}

/** Ops that do nothing but compute their outputs: what nobody uses may be left out, what is asked for twice computed once. */
const PURE: ReadonlySet<string> = new Set(
  `Add AvgPool AvgPoolGrad BatchMatMulV2 BiasAddGrad Cast ConcatV2 Conv2D Conv2DBackpropFilter Conv2DBackpropInput
  DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput EspalierBatchNorm EspalierBatchNormGrad
  EspalierConv EspalierConvGradFilter EspalierConvGradX Exp Fill FusedBatchNormGradV3
  FusedBatchNormV3 Log MatMul Max MaxPool MaxPoolGrad Mean Mul Neg Pack PadV2 RealDiv Relu Relu6 Relu6Grad ReluGrad Reshape Rsqrt
  Sigmoid SigmoidGrad Slice Softmax SoftmaxCrossEntropyWithLogits SplitV Sqrt Square SquaredDifference Sub Sum Tanh TanhGrad Tile Transpose Unpack
  _MklNativeMaxPool _MklNativeMaxPoolGrad`.split(/\s+/),
);

/**
 * Leaves out of a step what changes no bit of it: casts to the type that is there, reshapes of reshapes and to the shape that is
 * there, calls with the inputs of an earlier one (TF.js's gradient of max-pooling pools again), and calls that nobody looks
 * at (its convolutions have a gradient for pictures, too).
 *
 * @param results - Sources that leave the step; their calls stay as they are.
 */
export function simplify({ calls, numbers }: Trace, results: ReadonlySet<Source>): Simplified {
  const same = new Map<Source, Source>(); // What a source is the same as.
  const resolve = (source: Source): Source => same.get(source) ?? source;
  const firstOf = new Map<string, Source>();
  for (const [i, { shape, dtype, values, make }] of numbers.entries()) {
    if (make) continue;
    const key = `${dtype} ${shape} ${Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('latin1')}`;
    const first = firstOf.get(key);
    if (first === undefined) firstOf.set(key, `numbers ${i}`);
    else same.set(`numbers ${i}`, first);
  }
  const shapes = new Map<Source, string>();
  const seen = new Map<string, number>();
  const reshaped = new Map<Source, Source>(); // Of a reshape's output, what it is a shape of.
  const left: ProgramCall[] = [];
  for (const [index, call] of calls.entries()) {
    const outputs = call.ids.map((_, k): Source => `call ${index} ${k}`);
    for (const [k, source] of outputs.entries()) shapes.set(source, String(call.shapes[k]));
    const inputs = call.inputs.map(resolve);
    const { op, attributes } = call;
    const stays = !PURE.has(op) || outputs.some((source) => results.has(source));
    if (op === 'Reshape') inputs[0] = reshaped.get(inputs[0]) ?? inputs[0];
    if (!stays) {
      const type = (name: string): unknown => attributes.find((one) => one.name === name)?.value;
      const nothing =
        (op === 'Cast' && type('SrcT') === type('DstT')) ||
        (op === 'Reshape' && shapes.get(inputs[0]) === shapes.get(outputs[0]));
      const key = `${op} ${JSON.stringify(attributes)} ${inputs}`;
      const before = seen.get(key);
      if (nothing) same.set(outputs[0], inputs[0]);
      else if (before !== undefined) {
        for (const [k, source] of outputs.entries()) same.set(source, `call ${before} ${k}`);
      } else seen.set(key, index);
      if (nothing || before !== undefined) continue;
    }
    if (op === 'Reshape') reshaped.set(outputs[0], inputs[0]);
    left.push({ ...call, inputs, index });
  }
  const used = new Set<Source>(results);
  const wanted = left.reverse().filter(({ op, ids, inputs, index }) => {
    if (results.size > 0 && PURE.has(op) && !ids.some((_, k) => used.has(`call ${index} ${k}`))) return false;
    for (const source of inputs) used.add(source);
    return true;
  });
  const given = [...numbers.keys()].filter((i) => numbers[i].make !== undefined || used.has(`numbers ${i}`));
  return { calls: wanted.reverse(), numbers: given };
}
