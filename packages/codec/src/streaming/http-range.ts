import type { ModelArtifacts, WeightSpec } from '../artifacts.js';
import type { Header } from '../container/format.js';
import { readFixed, readHeader } from '../container/header.js';
import { artifactsOf, decode } from '../decode/decode.js';
import { checkStrings, checkTiles, decodeTensor } from '../decode/tensor.js';
import { fail } from '../errors.js';
import { checkOptions, download, type LoadOptions } from '../loading/download.js';
import { FIXED_BYTES } from '../numbers.js';

/** A file of which tensors are fetched one by one. */
export interface RemoteFile {
  /** All artifacts but the weights. */
  readonly artifacts: ModelArtifacts & { weightSpecs: WeightSpec[] };
  /** Fetches and decodes one tensor: its bytes, as in `weightData`. @throws EspError 'option' for an unknown name */
  tensor(name: string): Promise<ArrayBuffer>;
}

/** Bytes fetched at first: most headers fit. */
const FIRST = 16384;

/**
 * Opens a file by HTTP Range requests: the header first, then only the tensors asked for. Where a server ignores
 * ranges, the file is fetched once and kept.
 *
 * @throws EspError as `decode`, 'option' for an unknown one, and 'fetch' when the server's answer makes no sense.
 */
export async function espalierRange(source: string | URL, options: LoadOptions = {}): Promise<RemoteFile> {
  checkOptions(options);
  let whole: Uint8Array | undefined;
  const get = async (start: number, end: number): Promise<Uint8Array> => {
    if (whole) return whole.subarray(start, end);
    const headers = new Headers(options.requestInit?.headers);
    headers.set('Range', `bytes=${start}-${end - 1}`);
    const response = await download(source, { ...options, requestInit: { ...options.requestInit, headers } });
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.status === 200) {
      whole = bytes;
      return whole.subarray(start, end);
    }
    const range = /^bytes (\d+)-(\d+)\//.exec(response.headers.get('Content-Range') ?? '');
    if (response.status !== 206 || (range && Number(range[1]) !== start) || bytes.length > end - start) {
      fail('fetch', `${source} was answered with another range`);
    }
    return bytes;
  };
  let head = await get(0, FIRST);
  if (head.length < FIXED_BYTES) readFixed(head, options.limits);
  const { headerLength } = readFixed(head, options.limits);
  if (head.length < headerLength) head = await get(0, headerLength);
  const header: Header = readHeader(head, options.limits);
  // The header of the small form is the whole file.
  const weights = header.coder && decode(head.subarray(0, headerLength), options.limits).weightData;
  const names = new Map(header.tensors.map((tensor) => [tensor.spec.name, tensor]));
  return {
    artifacts: artifactsOf(header),
    async tensor(name: string): Promise<ArrayBuffer> {
      const named = names.get(name) ?? fail('option', `there is no tensor "${name}"`);
      const tensor = named.same === undefined ? named : header.tensors[named.same];
      if (weights) return weights.slice(tensor.start, tensor.start + tensor.total);
      const data = new ArrayBuffer(tensor.total);
      const out = new Uint8Array(data);
      const { offset, stored } = tensor;
      const bytes = stored > 0 ? await get(offset, offset + stored) : out.subarray(0, 0);
      if (bytes.length < stored) fail('length', `the file ends inside "${name}"`);
      checkTiles(bytes, tensor);
      decodeTensor(bytes, tensor, out);
      checkStrings(named, out);
      return data;
    },
  };
}
