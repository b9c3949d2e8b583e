import { espalierStream, espalierWorker } from '@espalier/codec/stream';
import * as tf from '@tensorflow/tfjs';
import { toDigit } from './digit.js';

const $ = (id) => document.getElementById(id);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const inWorker = new URLSearchParams(location.search).has('worker');

/** Decodes while it downloads, layer by layer; with `?worker` in a worker instead, all at once. */
function source() {
  if (inWorker)
    return espalierWorker(
      new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
      './model.esp',
    );
  return espalierStream('./model.esp', {
    onTensor({ spec, data }, { receivedBytes, tensors, totalTensors }) {
      const item = document.createElement('li');
      item.textContent = `${spec.name} [${spec.shape}] ${kilobytes(data.byteLength)}`;
      $('layers').append(item);
      $('answer').textContent = `layer ${tensors} of ${totalTensors}, ${kilobytes(receivedBytes)}`;
    },
  });
}

const started = performance.now();
const artifacts = await source().load();
const decoded = performance.now();
const model = await tf.loadLayersModel({ load: async () => artifacts });

const small =
  performance.getEntriesByType('resource').find(({ name }) => name.endsWith('model.esp'))?.decodedBodySize ??
  0;
const plain = artifacts.weightData.byteLength + JSON.stringify(artifacts.modelTopology).length;
$('small').textContent = `this file: ${kilobytes(small)}`;
$('plain').textContent = `the plain model: ${kilobytes(plain)}`;
$('small-bar').style.width = `${(100 * small) / plain}%`;
$('plain-bar').style.width = '100%';
$('timing').textContent =
  `downloaded and decoded in ${(decoded - started).toFixed(0)} ms${inWorker ? ', in a worker' : ''}`;
$('answer').textContent = '?';

for (let digit = 0; digit < 10; digit++) {
  const bar = document.createElement('div');
  bar.dataset.digit = String(digit);
  bar.append(document.createElement('i'));
  $('bars').append(bar);
}

const pad = $('pad');
const pen = pad.getContext('2d', { willReadFrequently: true });
pen.lineWidth = 22;
pen.lineCap = pen.lineJoin = 'round';
pen.strokeStyle = '#fff';

function clear() {
  pen.fillRect(0, 0, pad.width, pad.height);
  $('answer').textContent = '?';
}

function recognise() {
  const digit = toDigit(pad);
  if (!digit) return;
  const scores = tf.tidy(() => model.predict(tf.tensor2d(digit, [1, 784])).dataSync());
  const best = scores.indexOf(Math.max(...scores));
  $('answer').textContent = String(best);
  [...$('bars').children].forEach((bar, i) => {
    bar.firstElementChild.style.height = `${Math.round(64 * scores[i])}px`;
    bar.classList.toggle('best', i === best);
  });
}

let last;
const place = (event) => {
  const box = pad.getBoundingClientRect();
  return [
    ((event.clientX - box.left) * pad.width) / box.width,
    ((event.clientY - box.top) * pad.height) / box.height,
  ];
};
pad.addEventListener('pointerdown', (event) => {
  pad.setPointerCapture(event.pointerId);
  last = place(event);
});
pad.addEventListener('pointermove', (event) => {
  if (!last) return;
  const next = place(event);
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...next);
  pen.stroke();
  last = next;
});
pad.addEventListener('pointerup', () => {
  last = undefined;
  recognise();
});
$('clear').addEventListener('click', clear);
clear();
// For tests: the page is ready, and this is what it measured.
window.espalierDemo = { decodeMs: decoded - started, small, plain, tensors: () => tf.memory().numTensors };
