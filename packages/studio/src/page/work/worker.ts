import type { InputSpec } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { type Inspected, inspectArtifacts } from '@espalier/inspection';
import { drawTensor, type InspectionParts, inspectionParts } from '@espalier/report';
import * as Comlink from 'comlink';
import { type PageBackend, startInPage } from './backend.js';
import { type Layer, modelLayers } from './layers.js';
import { type Made, type MakeOptions, make } from './make.js';
import { type Dropped, type OpenModel, openModel } from './open.js';
import { type Given, inputsOf, type TriedOn, tryOn } from './trial-run.js';

/** What a page shows of a model before it is looked into. */
export interface Opened {
  readonly file: string;
  readonly kind: OpenModel['kind'];
  readonly bytes: number;
  readonly weights: number;
  readonly tensors: number;
  readonly layers: readonly Layer[];
  readonly notes: readonly string[];
  /** What it takes; empty for weights alone, and where the model cannot be run. */
  readonly inputs: readonly InputSpec[];
  /** Why it cannot be run. */
  readonly cannotRun?: string;
}

/** All that is done with a model, off the page's own thread. */
class ModelWorker {
  #model: OpenModel | undefined;
  #inspected: Inspected | undefined;

  get #open(): OpenModel {
    if (!this.#model) throw new EspalierError('bad-model', 'No model is open.');
    return this.#model;
  }

  async open(dropped: readonly Dropped[], backend: PageBackend): Promise<Opened> {
    const model = await openModel(dropped);
    this.#model = model;
    this.#inspected = undefined;
    const specs = model.artifacts.weightSpecs ?? [];
    const runs: Pick<Opened, 'inputs' | 'cannotRun'> =
      model.kind === 'weights' ? { inputs: [] } : await this.#inputs(backend);
    return {
      file: model.file,
      kind: model.kind,
      bytes: model.bytes,
      weights: specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      tensors: specs.length,
      layers: modelLayers(model.artifacts),
      notes: model.notes,
      ...runs,
    };
  }

  async #inputs(backend: PageBackend): Promise<Pick<Opened, 'inputs' | 'cannotRun'>> {
    try {
      await startInPage(backend);
      return { inputs: await inputsOf(this.#open.artifacts) };
    } catch (error) {
      return { inputs: [], cannotRun: (error as Error).message };
    }
  }

  /** The tables and plots of `espalier inspect`, as HTML. */
  async inspect(costs: boolean): Promise<InspectionParts> {
    const { artifacts, file, packed } = this.#open;
    this.#inspected = await inspectArtifacts(artifacts, { name: file, costs, ...(packed && { packed }) });
    return inspectionParts(this.#inspected.inspection);
  }

  /** What is drawn of a tensor, as HTML. */
  picture(name: string): string {
    const tensor = this.#inspected?.inspection.tensors.find((one) => one.name === name);
    const picture = tensor && this.#inspected?.pictureOf(name);
    return tensor && picture ? drawTensor(tensor, picture) : '';
  }

  async make(
    backend: PageBackend,
    options: Omit<MakeOptions, 'onTrial' | 'log'>,
    onTrial: MakeOptions['onTrial'],
    log: MakeOptions['log'],
  ): Promise<Made> {
    await startInPage(backend);
    return make(this.#open, { ...options, onTrial, log });
  }

  async tryOn(
    backend: PageBackend,
    file: Blob,
    given: Given,
    range: readonly [number, number],
  ): Promise<TriedOn> {
    await startInPage(backend);
    return tryOn(this.#open.artifacts, new Uint8Array(await file.arrayBuffer()), given, range);
  }
}

export type { ModelWorker };

Comlink.expose(new ModelWorker());
