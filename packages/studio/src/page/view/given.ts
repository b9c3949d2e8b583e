import type { InputSpec } from '@espalier/compress';
import type { Given } from '../work/trial-run.js';

/** Sides of pictures for models that take any size, at most: models that enlarge make much of them. */
const mostSide = 256;

/** Samples a second of models that hear. */
const soundRate = 16_000;

/** A picture at the size that a model takes: its middle, shrunk or enlarged. */
async function picture(file: File, shape: readonly number[]): Promise<Given> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is no picture that this browser reads.`);
  });
  const shrink = Math.min(1, mostSide / Math.max(bitmap.width, bitmap.height));
  const width = shape[2] > 0 ? shape[2] : Math.max(1, Math.round(bitmap.width * shrink));
  const height = shape[1] > 0 ? shape[1] : Math.max(1, Math.round(bitmap.height * shrink));
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('This browser draws no pictures.');
  const cover = Math.max(width / bitmap.width, height / bitmap.height);
  const [across, down] = [bitmap.width * cover, bitmap.height * cover];
  pen.drawImage(bitmap, (width - across) / 2, (height - down) / 2, across, down);
  bitmap.close();
  return { kind: 'picture', width, height, data: pen.getImageData(0, 0, width, height).data };
}

async function sound(file: File): Promise<Given> {
  const context = new OfflineAudioContext(1, 1, soundRate);
  const decoded = await context.decodeAudioData(await file.arrayBuffer()).catch(() => {
    throw new Error(`${file.name} is no sound that this browser reads.`);
  });
  return { kind: 'sound', samples: decoded.getChannelData(0).slice() };
}

/** What a file is for a model that takes these inputs. */
export async function givenOf(file: File, inputs: readonly InputSpec[]): Promise<Given> {
  if (file.name.toLowerCase().endsWith('.npy')) {
    return { kind: 'npy', name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  }
  if (file.type.startsWith('audio/')) return sound(file);
  return picture(file, inputs[0]?.shape ?? []);
}
