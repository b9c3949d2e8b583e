import { formatBytes } from '@espalier/report';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Made } from '../work/make.js';
import type { Opened } from '../work/worker.js';

/** A name for the file: that of what was dropped, or of its folder. */
const nameOf = (file: string): string => {
  const plain = file
    .split('/')
    .at(-1)
    ?.replace(/\.(json|h5|hdf5|keras|safetensors|npy|npz|esp)$/i, '');
  return `${plain && plain !== 'the files' ? plain : 'model'}.esp`;
};

const linesOf = (name: string, kind: Opened['kind']): string =>
  kind === 'weights'
    ? `import { decode } from '@espalier/codec/decode';
const bytes = new Uint8Array(await (await fetch('${name}')).arrayBuffer());
const { weightSpecs, weightData } = decode(bytes);`
    : `import { espalier } from '@espalier/codec/decode';
import * as tf from '@tensorflow/tfjs';
const model = await tf.load${kind === 'graph' ? 'Graph' : 'Layers'}Model(espalier('${name}'));`;

/** The file to take along, and how it is loaded. */
export function Take({ made, opened }: { made: Made; opened: Opened }): VNode {
  const name = nameOf(opened.file);
  const [address, setAddress] = useState('');
  useEffect(() => {
    const url = URL.createObjectURL(made.file);
    setAddress(url);
    return () => URL.revokeObjectURL(url);
  }, [made]);
  const lines = linesOf(name, opened.kind);
  return (
    <div class="card take">
      <a class="button primary" href={address} download={name} id="download">
        Download {name}, {formatBytes(made.file.size)}
      </a>
      <p class="note">These three lines load it:</p>
      <pre>{lines}</pre>
      <button type="button" onClick={() => void navigator.clipboard?.writeText(lines)}>
        Copy
      </button>
    </div>
  );
}
