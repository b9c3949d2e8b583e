import type { Fidelity } from '@espalier/compress';
import { formatBytes, formatPercent, formatTable } from '@espalier/report';
import type { CompressOutcome } from '../pipeline/compress-once.js';

/** A few words on how near the outputs are. */
export function describeFidelity({
  psnr,
  mean,
  least = Number.POSITIVE_INFINITY,
  cosine,
  meanDifference,
  agreement,
  examples,
}: Fidelity): string {
  const of = mean === undefined ? '' : ` of the worst output for one input, of all ${mean.toFixed(2)} dB`;
  const parts = [
    psnr === Number.POSITIVE_INFINITY ? 'the same outputs' : `PSNR ${psnr.toFixed(2)} dB${of}`,
    ...(least < psnr ? [`of the worst output for one input ${least.toFixed(2)} dB`] : []),
    `cosine ${cosine.toFixed(6)}`,
    `mean difference ${meanDifference.toPrecision(3)}`,
    ...(agreement === undefined ? [] : [`same class ${(100 * agreement).toFixed(1)} %`]),
  ];
  return `${parts.join(', ')} (${examples} examples)`;
}

/** Why the outputs' errors are counted as they are, where that is not plain. */
function notes(result: CompressOutcome): string[] {
  if ('snr' in result) {
    return result.reason ? [`${result.reason} The weights were compressed by themselves.`] : [];
  }
  const { before, floored, peaks, tensors } = result;
  const unreached = tensors.filter((tensor) => tensor.unreached).length;
  const [one, several] = [before.length === 1, before.length > 1];
  const flat = floored.map((o) => peaks[o].toPrecision(3)).join(', ');
  return [
    ...(one ? [`Output ${before[0]} is chosen by the model: measured is what it chooses from.`] : []),
    ...(several
      ? [`Outputs ${before.join(', ')} are chosen by the model: measured is what it chooses from.`]
      : []),
    ...(floored.length === 1
      ? [
          `Output ${floored[0]} hardly varies over these inputs: its peak is taken as ${flat}; --peak gives another.`,
        ]
      : []),
    ...(floored.length > 1
      ? [
          `Outputs ${floored.join(', ')} hardly vary over these inputs: their peaks are taken as ${flat}; --peak gives another.`,
        ]
      : []),
    ...(unreached > 0
      ? [`${unreached} tensors that no output depends on, with these inputs, were quantised by themselves.`]
      : []),
  ];
}

/** What a compression came to, for people. */
export function describe(result: CompressOutcome, bySize: boolean): string {
  const { weightBytes, out, bytes } = result;
  const counts = new Map<string, number>();
  for (const { method } of result.tensors) counts.set(method, (counts.get(method) ?? 0) + 1);
  const quality =
    'snr' in result
      ? `SNR of the weights ${result.snr.toFixed(2)} dB`
      : `${describeFidelity(result.fidelity)}; measured on ${result.measuredOn}`;
  const right = 'accuracy' in result ? result.accuracy : undefined;
  const how = result.lossless ? `without loss${bySize ? '' : ': nothing smaller meets the aim'}` : quality;
  return [
    formatTable([['tensors', 'count'], ...counts]),
    '',
    ...notes(result),
    `${formatBytes(weightBytes)} of weights; ${formatBytes(result.losslessBytes)} without loss`,
    `${out}: ${bytes} bytes${result.lossless ? ', ' : '; '}${how}`,
    ...(right
      ? [
          `accuracy ${formatPercent(right.before)} before, ${formatPercent(right.after)} after: ${right.lost.toFixed(2)} points lost, on ${right.examples} examples that nothing was chosen by`,
        ]
      : []),
    ...(result.update ? [`${result.update.out}: ${result.update.bytes} bytes`] : []),
  ].join('\n');
}
