import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encode, type FileReport, inspect, type ModelArtifacts } from '@espalier/codec';
import { readWeights } from '@espalier/compress';
import { type ReadOptions, readArtifacts } from '@espalier/formats';
import {
  codebook,
  density,
  histogram,
  type InspectedTensor,
  type Inspection,
  mask,
  statistics,
  type TensorPicture,
} from '@espalier/report';
import { layout } from '../pipeline/files.js';
import { checkFits } from '../pipeline/model-files.js';
import { type Costs, costsOf, type Described, quickly } from './costs.js';
import { sharesValues } from './other-forms.js';

/** A model that has been looked at. */
export interface Inspected {
  readonly inspection: Inspection;
  /** What the header of the `.esp` file says, the one given or the one it would be. */
  readonly file: FileReport;
  /** Where the model was read from. */
  readonly path: string;
  /** What is drawn of a tensor, by its name. */
  pictureOf(name: string): TensorPicture | undefined;
}

/** A run's folder stands for the model that it made. */
async function modelIn(path: string): Promise<string> {
  const packed = join(path, layout.model);
  return (await stat(packed).catch(() => undefined))?.isFile() ? packed : path;
}

/** Of dense kernels 16 centres are drawn, of others 256: as many as the notebook of Deep Compression has. */
function centroidsOf(
  { weight, facts }: Described,
  costs: Costs | undefined,
): Pick<TensorPicture, 'centroidsAre' | 'codebook'> & { centroids?: ArrayLike<number> } {
  const { name, values, shape } = weight;
  const own = sharesValues(facts) ? codebook(name, values ?? []) : undefined;
  if (own) return { codebook: own, centroids: own.values, centroidsAre: 'shared values' };
  const found = costs?.centroids.get(name);
  if (!found) return {};
  const k = shape.length <= 2 ? 16 : 256;
  return { centroids: found[k], centroidsAre: 'centres of k-means' };
}

function pictureOf(described: Described, costs: Costs | undefined, cells: number): TensorPicture {
  const { name, shape, values = [] } = described.weight;
  const { centroids, ...named } = centroidsOf(described, costs);
  const violin = density(values);
  const zeros = described.facts.zeros > 0 ? mask(name, shape, values, { most: cells }) : undefined;
  return {
    histogram: histogram(name, values, undefined, centroids ? { centroids } : {}),
    ...named,
    ...(violin && { density: violin }),
    ...(zeros && { mask: zeros }),
  };
}

/** All masks of a page together have about so many cells. */
const mostCells = 60_000;

/**
 * Looks at a model: what its tensors hold, and unless `withCosts` is false what they would take in other forms.
 *
 * @param given - A `model.json`, its folder, an `.esp` file, or the folder of a run.
 * @throws EspalierError `bad-model`; EspError of the codec for a damaged `.esp`
 */
export async function inspectModel(
  given: string,
  options: ReadOptions & { readonly costs?: boolean } = {},
): Promise<Inspected> {
  const { artifacts, file: path } = await readArtifacts(await modelIn(given), options);
  checkFits(artifacts, path);
  const packed = path.endsWith('.esp');
  const bytes = packed ? new Uint8Array(await readFile(path)) : encode(artifacts, quickly(artifacts));
  const file = inspect(bytes);
  const inFile = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  const weights = readWeights(artifacts).filter(({ name }) => inFile.has(name));
  const described = weights.map((weight): Described => ({ weight, facts: statistics(weight.values ?? []) }));
  const stored = { ...artifacts, weightSpecs: weights.map(({ spec }) => spec) } as ModelArtifacts;
  const costs = options.costs === false ? undefined : await costsOf(stored, bytes, described);
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
      name: given,
      bytes: file.fileBytes,
      packed,
      forms: costs?.forms ?? [],
      totals: costs?.totals ?? {},
      tensors,
    },
    file,
    path,
    pictureOf: (name) => {
      const one = byName.get(name);
      return one?.weight.values && pictureOf(one, costs, cells);
    },
  };
}
