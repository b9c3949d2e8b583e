import type { Examples, InputSpec } from '../model/model.js';
import { type GenerateOptions, generateExamples, isPicture } from './generate.js';

/**
 * `generateExamples`, with the photographs of `@espalier/photographs` for models that take pictures: what `compress` takes when it is
 * given nothing.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { sampleExamples } from '@espalier/compress';
 * const [pictures] = await sampleExamples([{ name: 'x', shape: [-1, 32, 32, 3], dtype: 'float32' }], { count: 8 });
 * if (pictures.shape.join() !== '8,32,32,3') throw new Error(pictures.shape.join());
 * pictures.dispose();
 * ```
 */
export async function sampleExamples(
  inputs: readonly InputSpec[],
  options: GenerateOptions = {},
): Promise<Examples> {
  if (!inputs.some(isPicture)) return generateExamples(inputs, options);
  const { photographs } = await import('@espalier/photographs');
  return generateExamples(inputs, { pictures: photographs(), ...options });
}
