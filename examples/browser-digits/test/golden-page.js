/** Runs in the page: the SHA-256 of the weights of each golden file, decoded here and in a worker. */
import { decode } from '@espalier/codec/decode';
import { espalierWorker } from '@espalier/codec/stream';

const hex = (digest) =>
  Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
const sha256 = async (data) => hex(await crypto.subtle.digest('SHA-256', data));

export async function hashes(files) {
  const worker = new Worker('/worker.js', { type: 'module' });
  const found = [];
  for (const file of files) {
    const bytes = await (await fetch(`/golden/${file}`)).arrayBuffer();
    const other = await espalierWorker(worker, bytes).load();
    found.push([await sha256(decode(bytes).weightData), await sha256(other.weightData)]);
  }
  return found;
}
