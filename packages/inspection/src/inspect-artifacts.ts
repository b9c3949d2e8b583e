import { encode, type FileReport, inspect, type ModelArtifacts } from '@espalier/codec';
import { readWeights } from '@espalier/compress';
import { type InspectedTensor, type Inspection, statistics, type TensorPicture } from '@espalier/report';
import { costsOf, type Described, quickly } from './costs.js';
import { pictureOf } from './picture.js';

/** A model that has been looked at. */
export interface Inspected {
  /** The figures, as `inspectionTable`, `inspectionCsv` and `renderInspection` of `@espalier/report` take them. */
  readonly inspection: Inspection;
  /** What the header of the `.esp` file says, the one given or the one it would be. */
  readonly file: FileReport;
  /** What is drawn of a tensor, by its name. `undefined` of one without numbers. */
  pictureOf(name: string): TensorPicture | undefined;
}

/** What of a model is looked at, and by what name it is called. */
export interface InspectOptions {
  /** Of the model, in tables and on the page. */
  readonly name: string;
  /** The `.esp` file that the model is from, if it is from one. */
  readonly packed?: Uint8Array;
  /** Also what the tensors would take in other forms, which takes some seconds for millions of weights. Default true. */
  readonly costs?: boolean;
}

/** All masks of a page together have about so many cells. */
const mostCells = 60_000;

/**
 * Looks at a model in memory: what its tensors hold, what they take as an `.esp` file, and in other forms.
 *
 * @throws EspError of the codec for artifacts that cannot be packed
 *
 * @example
 * ```ts
 * import { inspectArtifacts } from '@espalier/inspection';
 *
 * const weightData = Float32Array.of(0, 0, 0.5, -1).buffer;
 * const weightSpecs = [{ name: 'fc/kernel', shape: [2, 2], dtype: 'float32' as const }];
 * const { inspection } = await inspectArtifacts({ weightSpecs, weightData }, { name: 'tiny' });
 * const [{ nonzero, entropy }] = inspection.tensors;
 * if (nonzero !== 2 || entropy !== 1.5) throw new Error('other figures');
 * ```
 */
export async function inspectArtifacts(
  artifacts: ModelArtifacts,
  { name: title, packed, costs: wanted = true }: InspectOptions,
): Promise<Inspected> {
  const bytes = packed ?? encode(artifacts, quickly(artifacts));
  const file = inspect(bytes);
  const inFile = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  const weights = readWeights(artifacts).filter(({ name }) => inFile.has(name));
  const described = weights.map((weight): Described => ({ weight, facts: statistics(weight.values ?? []) }));
  const stored = { ...artifacts, weightSpecs: weights.map(({ spec }) => spec) } as ModelArtifacts;
  const costs = wanted ? await costsOf(stored, bytes, described) : undefined;
  const tensors = described.map(({ weight, facts }): InspectedTensor => {
    const { name, shape, dtype, spec } = weight;
    const { storedBytes, codec } = inFile.get(name) as FileReport['tensors'][number];
    const { count: _, ...rest } = facts;
    // The codec counts a text by its bytes.
    const parameters = shape.reduce((a, b) => a * b, 1);
    return {
      name,
      shape,
      dtype: spec.quantization ? `${dtype} (${spec.quantization.dtype})` : dtype,
      parameters,
      nonzero: parameters - facts.zeros,
      ...rest,
      bytes: storedBytes,
      bitsPerWeight: parameters === 0 ? 0 : (8 * storedBytes) / parameters,
      codec,
      costs: costs?.tensors.get(name) ?? {},
    };
  });
  const maps = described.filter(({ weight, facts }) => facts.zeros > 0 && weight.shape.length > 1).length;
  const cells = Math.max(256, Math.min(4096, Math.floor(mostCells / Math.max(1, maps))));
  const byName = new Map(described.map((one) => [one.weight.name, one]));
  return {
    inspection: {
      name: title,
      bytes: file.fileBytes,
      overhead: {
        header: file.headerBytes - file.tableBytes - file.textBytes,
        table: file.tableBytes,
        text: file.textBytes,
      },
      packed: packed !== undefined,
      forms: costs?.forms ?? [],
      totals: costs?.totals ?? {},
      tensors,
    },
    file,
    pictureOf: (name) => {
      const one = byName.get(name);
      return one?.weight.values && pictureOf(one, costs, cells);
    },
  };
}
