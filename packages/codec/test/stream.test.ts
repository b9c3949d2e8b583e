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

describe('espalierWorker', () => {
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
