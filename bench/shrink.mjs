// What the weights of a pruned model take in other forms, in bytes, as JSON: node bench/shrink.mjs [model.esp]
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { decode } from '@espalier/codec';

const file = process.argv[2] ?? new URL('../examples/browser-digits/model.esp', import.meta.url);
const packed = readFileSync(file);
const { weightData } = await decode(new Uint8Array(packed));
const saved = Buffer.concat([weightData].flat().map((part) => Buffer.from(part)));
const weights = new Float32Array(new Uint8Array(saved).buffer);
const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_LGWIN: window } = constants;
const brotli = brotliCompressSync(saved, { params: { [quality]: 11, [window]: 24 } });
console.log(
  JSON.stringify({
    weights: weights.length,
    zeros: weights.filter((weight) => weight === 0).length / weights.length,
    saved: saved.length,
    gzip: gzipSync(saved, { level: 9 }).length,
    brotli: brotli.length,
    esp: packed.length,
  }),
);
