import type { ModelArtifacts } from '@espalier/codec';

/** Numbers that are the same every time, about `scale` large. */
export const wave = (size: number, seed: number, scale = 0.4): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => scale * Math.sin(seed + i * i * 0.7 + i * 2.3));

const types = {
  float32: 'DT_FLOAT',
  int32: 'DT_INT32',
  bool: 'DT_BOOL',
  string: 'DT_STRING',
  int64: 'DT_INT64',
  resource: 'DT_RESOURCE',
} as const;
type Type = keyof typeof types;

function typeOf(
  values: Float32Array | Int32Array | Uint8Array | readonly string[],
): Exclude<Type, 'int64' | 'resource'> {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Int32Array) return 'int32';
  return values instanceof Uint8Array ? 'bool' : 'string';
}

/** Builds graph models as the converter of TensorFlow.js writes them. */
export class GraphBuilder {
  readonly #nodes: object[] = [];
  readonly #specs: NonNullable<ModelArtifacts['weightSpecs']>[number][] = [];
  readonly #data: Uint8Array[] = [];
  readonly #outputs: Record<string, object> = {};

  node(name: string, op: string, input: readonly string[], attr: object = {}): string {
    this.#nodes.push({ name, op, input: [...input], attr: { T: { type: 'DT_FLOAT' }, ...attr } });
    return name;
  }

  /** @param shape - Undefined: of unknown rank. */
  input(name: string, shape: readonly number[] | undefined, type: Type = 'float32'): string {
    const dim = shape?.map((n) => ({ size: String(n) }));
    return this.node(name, 'Placeholder', [], {
      dtype: { type: types[type] },
      shape: { shape: dim ? { dim } : { unknownRank: true } },
    });
  }

  constant(
    name: string,
    shape: readonly number[],
    values: Float32Array | Int32Array | Uint8Array | readonly string[],
  ): string {
    const dtype = typeOf(values);
    this.#specs.push({ name, shape: [...shape], dtype });
    if (ArrayBuffer.isView(values)) this.#data.push(new Uint8Array(values.buffer.slice(0)));
    else {
      for (const text of values) {
        const bytes = Buffer.from(text);
        this.#data.push(new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes);
      }
    }
    const dim = shape.map((n) => ({ size: String(n) }));
    const tensor = { dtype: types[dtype], tensorShape: { dim } };
    return this.node(name, 'Const', [], { dtype: { type: types[dtype] }, value: { tensor } });
  }

  scalar(name: string, value: number, type: 'float32' | 'int32' = 'float32'): string {
    return this.constant(name, [], type === 'float32' ? Float32Array.of(value) : Int32Array.of(value));
  }

  /** `x w + b`, with weights of its own making. */
  dense(name: string, x: string, rows: number, columns: number, seed: number): string {
    const w = this.constant(`${name}/w`, [rows, columns], wave(rows * columns, seed));
    const product = this.node(`${name}/m`, 'MatMul', [x, w], {
      transpose_a: { b: false },
      transpose_b: { b: false },
    });
    const b = this.constant(`${name}/b`, [columns], wave(columns, seed + 1, 0.1));
    return this.node(`${name}/y`, 'BiasAdd', [product, b]);
  }

  output(name: string, type: Type = 'float32'): void {
    this.#outputs[name] = { name: `${name}:0`, dtype: types[type], tensorShape: { unknownRank: true } };
  }

  artifacts(): ModelArtifacts {
    const data = Buffer.concat(this.#data);
    return {
      format: 'graph-model',
      modelTopology: { node: this.#nodes, versions: { producer: 1, minConsumer: 1 } },
      signature: { outputs: this.#outputs },
      weightSpecs: this.#specs,
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) as ArrayBuffer,
    };
  }
}
