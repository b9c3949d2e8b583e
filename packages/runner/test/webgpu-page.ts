import { openWebgpu, registerWebgpuTraining, webgpuOptimizers } from '@espalier/backend/webgpu';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { posteriors, schedules } from './every-plugin.js';
import { train } from './train-tiny.js';

/** What a page tells about one plugin. */
export interface PageTrained {
  readonly losses: number[];
  readonly weights: number[][];
  /** Whether a resumed run ended in the same bytes. */
  readonly same: boolean;
  readonly tensorsMore: number;
}

const page = globalThis as unknown as {
  navigator: { gpu: Parameters<typeof openWebgpu>[0]['gpu'] };
  start(): Promise<string>;
  trainWith(name: string): Promise<PageTrained>;
};

page.start = async () => {
  const { vendor, architecture } = await openWebgpu({
    gpu: page.navigator.gpu,
    WebGPUBackend: WebGPUBackend as never,
  });
  registerWebgpuTraining();
  // So that noise is drawn in JavaScript, as on the CPU.
  tf.unregisterKernel('StatelessRandomNormal', 'webgpu');
  return `${vendor} ${architecture}`;
};

page.trainWith = async (name) => {
  const make = { ...schedules, ...posteriors }[name];
  const before = tf.memory().numTensors;
  const whole = await train(make, webgpuOptimizers);
  const again = await train(make, webgpuOptimizers, true);
  const same = whole.bytes.length === again.bytes.length && whole.bytes.every((b, i) => b === again.bytes[i]);
  const weights = whole.weights.map((values) => [...values]);
  return { losses: whole.losses, weights, same, tensorsMore: tf.memory().numTensors - before };
};
