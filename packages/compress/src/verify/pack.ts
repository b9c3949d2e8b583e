import { decodeChecked, type ModelArtifacts } from '@espalier/codec';
import type { Rounded } from '../choose/quantize.js';
import type { Bench } from '../fidelity/bench.js';
import type { Fidelity } from '../fidelity/fidelity.js';
import type { InputValues } from '../model/graph/fixed-inputs.js';
import { load } from '../model/load.js';
import type { Executable } from '../model/model.js';
import type { Tensors } from '../model/tensors.js';
import type { Aim } from '../search/aim.js';
import type { Found } from '../search/coarsest-steps.js';
import type { Work } from '../time-budget.js';

/** Most times that a file is packed anew because it is larger than the trial said. */
const mostFits = 6;

/** A packed model, and what was measured on it. */
export interface Packed {
  readonly file: Uint8Array;
  readonly artifacts: ModelArtifacts;
  readonly fidelity: Fidelity;
  readonly rounded: ReadonlyMap<string, Rounded>;
  readonly lossless: boolean;
  readonly met: boolean;
}

/** What it takes to measure and to judge a file. */
export interface Judge {
  readonly tensors: Tensors;
  readonly bench: Bench;
  readonly aim: Aim;
  readonly bytes: boolean;
  /** What a file takes of what is to be spared: those of an update. Default: its own bytes. */
  readonly cost?: (file: Uint8Array) => number;
  readonly inputs: InputValues;
  readonly effort: number;
  readonly work: Work;
}

const lengthOf = ({ length }: Uint8Array): number => length;

/** Measures what is unpacked, which is what was packed, and says whether that meets the aim. */
export async function judged(
  file: Uint8Array,
  rounded: ReadonlyMap<string, Rounded>,
  lossless: boolean,
  { bench, aim, bytes, inputs, tensors, cost = lengthOf }: Judge,
): Promise<Packed> {
  const artifacts = decodeChecked(file, lossless ? tensors.artifacts : tensors.artifactsWith(rounded));
  const model: Executable = await load(artifacts, inputs);
  try {
    const fidelity = await bench.fidelity(model);
    const met = aim.meets(bytes ? cost(file) : (fidelity.lost ?? fidelity.psnr));
    return { file, artifacts, fidelity, rounded, lossless, met };
  } finally {
    model.dispose();
  }
}

/** Packs what was found. Where the aim is a size, the steps grow until the file, with all effort, keeps to it. */
export async function packed(found: Found, judge: Judge): Promise<Packed> {
  const { tensors, aim, bytes, effort, work, cost = lengthOf } = judge;
  let fineness = found.fineness;
  let rounded = found.roundedAt(fineness);
  let file = tensors.encode(rounded, effort, work.milliseconds(0.6));
  for (let i = 0; bytes && !aim.meets(cost(file)) && i < mostFits; i++) {
    const coarser = fineness * 2 ** Math.max(0.002, Math.min(1, aim.octaves(cost(file))));
    const other = found.roundedAt(coarser);
    const smaller = tensors.encode(other, effort, work.milliseconds(0.4));
    if (cost(smaller) >= cost(file)) break;
    [fineness, rounded, file] = [coarser, other, smaller];
  }
  return judged(file, rounded, false, judge);
}
