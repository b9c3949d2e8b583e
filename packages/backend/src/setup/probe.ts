import type { GpuAdapter } from '../webgpu/gpu.js';
import { lastLine, run } from './run.js';

/** What a backend says about itself after a real matmul in a process of its own. */
export interface ProbeResult {
  readonly ok: boolean;
  /** Why not, one line; empty when `ok`. */
  readonly error: string;
  readonly tfjs?: string;
  /** Version of libtensorflow, native backends only. */
  readonly tensorflow?: string;
  readonly gpu?: boolean;
  /** What WebGPU found, as it describes itself. */
  readonly adapter?: Pick<GpuAdapter, 'info' | 'limits'>;
}

/**
 * CommonJS, given to `node -e`: loads the package, multiplies two 64x64 matrices on the backend and compares
 * with the exact product. The two removed util functions are what tfjs-node 4.22 misses on Node >= 23.
 */
const SCRIPT = `
const util = require('util');
util.isNullOrUndefined ??= (v) => v === null || v === undefined;
util.isArray ??= Array.isArray;
const [main, core, name, dawn, wanted] = process.argv.slice(1);
(async () => {
  let adapter;
  if (dawn) {
    const { create, globals } = await import(dawn);
    Object.assign(globalThis, globals);
    const gpu = create(wanted ? ['adapter=' + wanted] : []);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: '' } });
    const found = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!found) throw new Error('no adapter');
    const { info, limits } = found, copy = {};
    for (const name in limits) copy[name] = limits[name];
    const { vendor, architecture, device, description, isFallbackAdapter } = info;
    adapter = { info: { vendor, architecture, device, description, isFallbackAdapter }, limits: copy };
  }
  const loaded = require(main);
  const tf = core ? require(core) : loaded;
  if (!(await tf.setBackend(name))) throw new Error('the backend did not start');
  await tf.ready();
  const n = 64, a = new Float32Array(n * n), b = new Float32Array(n * n);
  for (let i = 0; i < n * n; i++) { a[i] = (i * 7) % 5 - 2; b[i] = (i * 11) % 7 - 3; }
  const got = await tf.matMul(tf.tensor2d(a, [n, n]), tf.tensor2d(b, [n, n])).data();
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
    if (Math.abs(sum - got[i * n + j]) > 1e-3) throw new Error('matMul gives wrong numbers');
  }
  const backend = tf.backend();
  const native = backend.binding;
  console.log('ESPALIER ' + JSON.stringify({
    ok: true, error: '', adapter, tfjs: (tf.version_core ?? tf.version['tfjs-core']),
    ...(native ? { tensorflow: native.TF_Version, gpu: Boolean(backend.isUsingGpuDevice) } : {}),
  }));
  process.exit(0);
})().catch((error) => { console.log('ESPALIER ' + JSON.stringify({ ok: false, error: String((error && error.message) || error).split('\\n')[0] }));
  process.exit(1);
});
`;

/**
 * Loads a TF.js backend package in a child process and lets it multiply: a broken addon takes the child down,
 * not us.
 *
 * @param main file of the package to load
 * @param core file of tfjs-core, for packages that only register a backend (wasm, cpu); '' for tfjs-node
 * @param name the backend's name in TF.js: tensorflow, webgpu, wasm, cpu
 * @param dawn URL of the file that brings WebGPU to Node, for webgpu
 */
export async function probe(main: string, core: string, name: string, dawn = ''): Promise<ProbeResult> {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
  const args = ['-e', SCRIPT, main, core, name, dawn, process.env.ESPALIER_WEBGPU_ADAPTER ?? ''];
  const result = await run(process.execPath, args, { env, timeout: 120_000 });
  const line = result.stdout.split('\n').find((l) => l.startsWith('ESPALIER '));
  if (line) return JSON.parse(line.slice('ESPALIER '.length)) as ProbeResult;
  const said = lastLine(result.stderr) || lastLine(result.stdout);
  return { ok: false, error: said || `the probe ended with ${result.code ?? 'a signal'}` };
}
