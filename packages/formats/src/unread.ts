import { basename, extname } from 'node:path';
import { EspalierError } from '@espalier/core';

const starts = (bytes: Uint8Array, text: string, at = 0): boolean =>
  Array.from(text).every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

/** Files that are models and are not read: how they are known, what they are, and the way that works. */
const unread: readonly {
  readonly is: (bytes: Uint8Array, name: string, extension: string) => boolean;
  readonly what: string;
  readonly way: string;
}[] = [
  {
    is: (bytes) => bytes[0] === 0x8a && starts(bytes, 'ESD\r\n', 1),
    what: 'an update of an .esp file',
    way: 'Make the new file of the old one and this: espalier patch old.esp update.espd -o new.esp.',
  },
  {
    is: (_, name) => name === 'tensorflowjs_model.pb',
    what: "the graph of TensorFlow.js's format of 2018, which TF.js has not loaded since 1.0",
    way: 'Its weights are read from weights_manifest.json beside it. For the model, turn it into a model.json with pb2json_converter of the TF.js converter, or convert the original anew.',
  },
  {
    is: (_, name) => name === 'saved_model.pb',
    what: 'a SavedModel of TensorFlow',
    way: 'Convert its folder: tensorflowjs_converter --input_format=tf_saved_model FOLDER OUT.',
  },
  {
    is: (_, __, extension) => extension === '.pb' || extension === '.pbtxt',
    what: 'a graph of TensorFlow',
    way: 'Convert it: tensorflowjs_converter --input_format=tf_frozen_model.',
  },
  {
    is: (bytes, _, extension) => extension === '.tflite' || starts(bytes, 'TFL3', 4),
    what: 'a TensorFlow Lite model',
    way: 'Convert the model that it was made from: tensorflowjs_converter takes .h5, .keras and SavedModel.',
  },
  {
    is: (_, __, extension) => extension === '.onnx',
    what: 'an ONNX model',
    way: 'Convert it to a SavedModel (onnx2tf), and that with tensorflowjs_converter.',
  },
  {
    is: (bytes) => starts(bytes, 'GGUF'),
    what: 'a GGUF file',
    way: 'Give the .safetensors that it was made from.',
  },
  {
    is: (bytes, _, extension) =>
      ['.pt', '.pth', '.ckpt', '.pkl', '.pickle', '.joblib'].includes(extension) ||
      (extension === '.bin' && (starts(bytes, 'PK') || (bytes[0] === 0x80 && bytes[1] <= 5))),
    what: "a pickle of Python's, as PyTorch writes it; it can hold code, and is not read",
    way: 'Save its weights: safetensors.torch.save_file(model.state_dict(), "model.safetensors").',
  },
  {
    is: (_, __, extension) => ['.index', '.meta', '.data-00000-of-00001'].includes(extension),
    what: 'a part of a TensorFlow checkpoint',
    way: "Load it in TensorFlow, and save the model with model.save('model.keras').",
  },
  {
    is: (_, name) => /shard\d+(of\d+)?(\.bin)?$/.test(name),
    what: 'a shard of a TensorFlow.js model',
    way: 'Give the model.json, or the weights manifest, that names it.',
  },
  {
    is: (bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b,
    what: 'packed with gzip',
    way: 'Unpack it first: gunzip, or tar -xzf.',
  },
  {
    is: (bytes) => starts(bytes, 'version https://git-lfs'),
    what: 'a pointer of Git LFS, not the file itself',
    way: 'Fetch the file: git lfs pull.',
  },
  {
    is: (bytes) => /^\s*<(!doctype|html)/i.test(String.fromCharCode(...bytes.subarray(0, 64))),
    what: 'a page of HTML, most likely an error of the server that it was fetched from',
    way: 'Download the file itself.',
  },
];

/** @throws EspalierError `bad-model` for a file of a kind that is known and not read: what it is, and the way that works */
export function refuseByName(bytes: Uint8Array, file: string): void {
  const [name, extension] = [basename(file).toLowerCase(), extname(file).toLowerCase()];
  const kind = unread.find(({ is }) => is(bytes, name, extension));
  if (kind) throw new EspalierError('bad-model', `${file} is ${kind.what}.`, { remedy: kind.way });
}
