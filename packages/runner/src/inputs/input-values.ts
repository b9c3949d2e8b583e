import { EspalierError } from '@espalier/core';
import { readNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';

function wrong(setting: string, remedy: string): EspalierError {
  return new EspalierError('invalid-option', `--input is '${setting}'.`, { remedy });
}

/**
 * Values of inputs out of `name=0.5`, `name=false` and `name=file.npy`; the caller disposes tensors.
 *
 * @throws EspalierError `invalid-option`, `bad-data`
 */
export async function inputValues(
  settings: readonly string[],
): Promise<Record<string, tf.Tensor | number | boolean>> {
  const values = new Map<string, tf.Tensor | number | boolean>();
  try {
    for (const setting of settings) {
      const at = setting.lastIndexOf('=');
      const [name, text] = [setting.slice(0, at), setting.slice(at + 1).trim()];
      if (at < 1 || text === '')
        throw wrong(setting, 'Give name=value: a number, true, false or a .npy file.');
      if (values.has(name)) throw wrong(setting, `${name} has a value already.`);
      values.set(name, await readValue(setting, text));
    }
  } catch (error) {
    tf.dispose(Object.fromEntries(values) as tf.TensorContainer);
    throw error;
  }
  return Object.fromEntries(values);
}

async function readValue(setting: string, text: string): Promise<tf.Tensor | number | boolean> {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.toLowerCase().endsWith('.npy')) {
    const { values, shape } = await readNpy(text);
    return tf.tensor(values, [...shape], 'float32');
  }
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  throw wrong(setting, 'Give name=value: a number, true, false or a .npy file.');
}
