import { attributes, type NativeBackend } from './ops.js';

let made = 0;

/**
 * A float32 resource variable of TensorFlow's eager runtime: what the fused update kernels work on, in place.
 * Handles are used by id, past TF.js's bookkeeping: `tf.memory()` does not count them.
 */
export class ResourceVariable {
  private readonly handle: number;
  private readonly dtype;

  constructor(
    private readonly backend: NativeBackend,
    readonly shape: readonly number[],
  ) {
    const make = attributes(backend.binding);
    this.dtype = [make.type('dtype', 'float32')];
    made += 1;
    this.handle = this.run('VarHandleOp', [], 1, [
      ...this.dtype,
      make.shape('shape', shape),
      make.string('container', ''),
      make.string('shared_name', `espalier/${made}`),
    ])[0].id;
  }

  /** The handle's id, the first input of an update op. */
  get id(): number {
    return this.handle;
  }

  /** Takes over the value of a tensor, by its id; shares its memory until the next update. */
  assign(id: number): void {
    this.run('AssignVariableOp', [this.handle, id], 0, this.dtype);
  }

  /** Sets the value from an array, which is copied. */
  set(values: Float32Array): void {
    const { binding } = this.backend;
    const id = binding.createTensor(this.shape, binding.TF_FLOAT, values.slice());
    this.assign(id);
    binding.deleteTensor(id);
  }

  /** A tensor id with the value; the caller deletes it. While it lives, an update must copy the value first. */
  read(): number {
    return this.run('ReadVariableOp', [this.handle], 1, this.dtype)[0].id;
  }

  /** The value as an array of its own. */
  values(): Float32Array {
    const id = this.read();
    const values = this.backend.binding.tensorDataSync(id);
    this.backend.binding.deleteTensor(id);
    return values;
  }

  /** Sets the value to its product with a tensor of the same shape. */
  multiply(factor: number): void {
    const value = this.read();
    const product = multiply(this.backend, value, factor);
    this.backend.binding.deleteTensor(value);
    this.assign(product);
    this.backend.binding.deleteTensor(product);
  }

  /** Frees TensorFlow's memory. */
  dispose(): void {
    const ignore = attributes(this.backend.binding).bool('ignore_lookup_error', true);
    this.run('DestroyResourceOp', [this.handle], 0, [ignore]);
    this.backend.binding.deleteTensor(this.handle);
  }

  private run(
    op: string,
    inputs: number[],
    outputs: number,
    attrs: Parameters<NativeBackend['binding']['executeOp']>[1],
  ): { id: number }[] {
    return this.backend.binding.executeOp(op, attrs, inputs, outputs);
  }
}

/** The element-wise product of two tensors, by ids; the caller deletes it. */
export function multiply(backend: NativeBackend, a: number, b: number): number {
  const { binding } = backend;
  return binding.executeOp('Mul', [attributes(binding).type('T', 'float32')], [a, b], 1)[0].id;
}
