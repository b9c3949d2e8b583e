import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, encode, espalier, inspect } from '../src/index.js';
import {
  createDecoder,
  espalierRange,
  espalierStream,
  espalierWorker,
  type MessageSide,
  serveDecoder,
} from '../src/streaming.js';
import { levelCases } from './fixtures.js';

const net = levelCases().filter((entry) => entry.net === 'lenet-300-100-92');
const artifacts = {
  format: 'layers-model',
  modelTopology: { class_name: 'Sequential', config: { layers: [] } },
  weightSpecs: net.map(({ layer, shape }) => ({ name: layer, shape, dtype: 'float32' as const })),
  weightData: new Uint8Array(
    Buffer.concat(net.map(({ levels }) => Buffer.from(Float32Array.from(levels, (x) => x * 0.5).buffer))),
  ).buffer,
};
const file = encode(artifacts, { effort: 1, tileElements: 20000 });
const whole = decode(file);

const same = (a: ArrayBuffer, b: ArrayBuffer): boolean => Buffer.from(a).equals(Buffer.from(b));

describe('tiles', () => {
  it('decode to the same weights, at a small cost', () => {
    expect(same(whole.weightData, artifacts.weightData)).toBe(true);
    expect(inspect(file).tensors.map(({ tiles }) => tiles)).toEqual([12, 2, 1]);
    expect(file.length).toBeLessThan(encode(artifacts, { effort: 1 }).length * 1.06);
  });
});

describe('createDecoder', () => {
  it('hands out each tensor with its last byte, however the file is cut', () => {
    for (const step of [1, 7, 1000, file.length]) {
      const decoder = createDecoder();
      const seen: string[] = [];
      const parts: Buffer[] = [];
      for (let at = 0; at < file.length; at += step) {
        for (const { spec, data, index } of decoder.write(file.subarray(at, at + step))) {
          expect(index).toBe(seen.length);
          seen.push(spec.name);
          parts.push(Buffer.from(data));
        }
        if (at + step < file.length) expect(seen.length).toBeLessThan(3);
      }
      decoder.end();
      expect(seen).toEqual(['fc1', 'fc2', 'fc3']);
      expect(Buffer.concat(parts).equals(Buffer.from(whole.weightData))).toBe(true);
      expect(decoder.artifacts?.format).toBe('layers-model');
    }
  });

  it('refuses damage, surplus and an early end', () => {
    const bad = file.slice();
    bad[file.length - 3] ^= 4;
    expect(() => createDecoder().write(bad)).toThrow(expect.objectContaining({ code: 'checksum' }));
    const decoder = createDecoder();
    decoder.write(file.subarray(0, 50));
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'length' }));
    expect(() => createDecoder().write(Buffer.concat([file, Buffer.of(1)]))).toThrow(
      expect.objectContaining({ code: 'length' }),
    );
    expect(() => createDecoder({ elements: 5 }).write(file)).toThrow(
      expect.objectContaining({ code: 'limit' }),
    );
    const failed = createDecoder();
    expect(() => failed.write(bad)).toThrow();
    expect(() => failed.write(file)).toThrow(/failed before/);
  });
});

describe('over HTTP', () => {
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
    if (request.url === '/ranges' && range) {
      ranges.push(range[0]);
      const [start, end] = [Number(range[1]), Math.min(Number(range[2]), file.length - 1)];
      response.writeHead(206, { 'Content-Range': `bytes ${start}-${end}/${file.length}` });
      response.end(file.subarray(start, end + 1));
    } else {
      response.write(file.subarray(0, 9000));
      setTimeout(() => response.end(file.subarray(9000)), 20);
    }
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((done) => server.close(done)));

  it('espalierStream reports tensors and loads the model', async () => {
    const seen: number[] = [];
    const handler = espalierStream(`${base}/plain`, {
      onTensor: (_, { tensors, totalTensors }) => seen.push(tensors / totalTensors),
    });
    const loaded = await handler.load();
    expect(loaded).toEqual(await espalier(file).load());
    expect(seen).toEqual([1 / 3, 2 / 3, 1]);
  });

  it('espalierRange fetches the header and the tensors asked for', async () => {
    const remote = await espalierRange(`${base}/ranges`);
    expect(remote.artifacts.weightSpecs.map(({ name }) => name)).toEqual(['fc1', 'fc2', 'fc3']);
    const fc2 = await remote.tensor('fc2');
    expect(same(fc2, whole.weightData.slice(235200 * 4, 265200 * 4))).toBe(true);
    expect(ranges).toHaveLength(2);
    await expect(remote.tensor('fc4')).rejects.toMatchObject({ code: 'option' });
    const ignoring = await espalierRange(`${base}/plain`);
    expect(same(await ignoring.tensor('fc2'), fc2)).toBe(true);
  });
});

describe('options', () => {
  it('that are unknown are refused wherever a file is loaded', async () => {
    const wrong = { limit: {} } as object;
    const refused = expect.objectContaining({ name: 'EspError', code: 'option' });
    expect(() => espalier('model.esp', wrong)).toThrow(refused);
    expect(() => espalierStream('model.esp', wrong)).toThrow(refused);
    expect(() => espalierWorker(new EventTarget() as unknown as MessageSide, file, wrong)).toThrow(refused);
    await expect(espalierRange('model.esp', wrong)).rejects.toEqual(refused);
    expect(() => createDecoder({ element: 1 } as object)).toThrow(refused);
    expect(() => createDecoder({ elements: -1 })).toThrow(refused);
    expect(() => espalierStream('model.esp', { onTensor: () => {}, limits: {} })).not.toThrow();
  });
});

describe('a range', () => {
  const answer = (status: number, header: string | undefined, bytes = file.slice(0, 16384)) =>
    espalierRange('model.esp', {
      fetch: (async () =>
        new Response(bytes, {
          status,
          headers: header ? { 'Content-Range': header } : {},
        })) as typeof globalThis.fetch,
    });

  it('is what was asked for', async () => {
    const refused = expect.objectContaining({ code: 'fetch' });
    await expect(answer(206, `bytes 0-16383/${file.length}`)).resolves.toBeDefined();
    await expect(answer(206, undefined)).resolves.toBeDefined();
    await expect(answer(206, `bytes 1-16384/${file.length}`)).rejects.toEqual(refused);
    await expect(answer(203, undefined)).rejects.toEqual(refused);
    await expect(
      answer(206, undefined, Buffer.concat([file, file, file]).subarray(0, 16385)),
    ).rejects.toEqual(refused);
  });

  it('that says where it begins is believed: bytes of another place are refused', async () => {
    let calls = 0;
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
      const start = Number(from) + (calls++ > 0 ? 1 : 0);
      return new Response(file.slice(start, Number(to) + 1), {
        status: 206,
        headers: { 'Content-Range': `bytes ${start}-${to}/${file.length}` },
      });
    };
    const remote = await espalierRange('model.esp', { fetch: fetch as typeof globalThis.fetch });
    await expect(remote.tensor('fc2')).rejects.toMatchObject({ code: 'fetch' });
  });
});

describe('espalierWorker', () => {
  /** A worker that counts who listens to it, and does what it is told to. */
  class Fake extends EventTarget {
    listening = 0;
    readonly #act: (worker: Fake, question: { espalier: number; file: ArrayBuffer }) => void;

    constructor(act: (worker: Fake, question: { espalier: number; file: ArrayBuffer }) => void) {
      super();
      this.#act = act;
    }

    postMessage(question: { espalier: number; file: ArrayBuffer }): void {
      queueMicrotask(() => this.#act(this, question));
    }

    override addEventListener(...all: Parameters<EventTarget['addEventListener']>): void {
      this.listening++;
      super.addEventListener(...all);
    }

    override removeEventListener(...all: Parameters<EventTarget['removeEventListener']>): void {
      this.listening--;
      super.removeEventListener(...all);
    }
  }
  const fake = (act: ConstructorParameters<typeof Fake>[0]) => {
    const worker = new Fake(act);
    return { worker, side: worker as unknown as MessageSide };
  };
  const say = (worker: Fake, data: object): boolean =>
    worker.dispatchEvent(Object.assign(new Event('message'), { data }));

  it('leaves nobody listening, however many files it loads', async () => {
    const { worker, side } = fake((to, { espalier: number, file: bytes }) =>
      say(to, { espalier: number, artifacts: decode(bytes) }),
    );
    const small = encode({
      weightSpecs: [{ name: 'w', shape: [1], dtype: 'bool' }],
      weightData: new ArrayBuffer(1),
    });
    for (let i = 0; i < 5; i++) {
      const ten = await Promise.all(Array.from({ length: 10 }, () => espalierWorker(side, small).load()));
      expect(ten.map(({ weightData }) => weightData.byteLength)).toEqual(Array(10).fill(1));
    }
    expect(worker.listening).toBe(0);
  });

  it.each(['error', 'messageerror', 'close'])('is told of %s, and waits no longer', async (type) => {
    const { worker, side } = fake((to) =>
      to.dispatchEvent(Object.assign(new Event(type), { message: 'no such script' })),
    );
    await expect(espalierWorker(side, file).load()).rejects.toMatchObject({
      name: 'EspError',
      code: 'worker',
      message: 'the worker failed: no such script',
    });
    expect(worker.listening).toBe(0);
  });

  it('stops waiting when it is told to', async () => {
    const { worker, side } = fake(() => {});
    const control = new AbortController();
    const loading = espalierWorker(side, file, { requestInit: { signal: control.signal } }).load();
    setTimeout(() => control.abort(new Error('enough')), 5);
    await expect(loading).rejects.toThrow('enough');
    await expect(
      espalierWorker(side, file, { requestInit: { signal: control.signal } }).load(),
    ).rejects.toThrow('enough');
    expect(worker.listening).toBe(0);
  });

  it('fails when its port is closed', async () => {
    const { port1, port2 } = new MessageChannel();
    port2.start();
    const loading = espalierWorker(port2 as unknown as MessageSide, file).load();
    port1.close();
    await expect(loading).rejects.toMatchObject({ code: 'worker' });
    port2.close();
  });

  it('decodes on the other side of a channel, errors included', async () => {
    const { port1, port2 } = new MessageChannel();
    // Node's ports emit the data itself; browsers an event that carries it. Both have addEventListener.
    serveDecoder(port1 as unknown as MessageSide);
    const worker = port2 as unknown as MessageSide;
    port1.start();
    port2.start();
    try {
      expect(same((await espalierWorker(worker, file).load()).weightData, whole.weightData)).toBe(true);
      expect(file.length).toBeGreaterThan(0);
      await expect(espalierWorker(worker, file.slice(0, 99)).load()).rejects.toMatchObject({
        name: 'EspError',
      });
    } finally {
      port1.close();
      port2.close();
    }
  });
});
