// One line of the table for each model and each fidelity that is asked for.
import { formatTable } from '@espalier/report';

const whole = (bytes) => bytes.toLocaleString('en-US');
const decibels = (psnr) => (psnr === Number.POSITIVE_INFINITY ? 'the same' : `${psnr.toFixed(1)} dB`);

/** Ours over the converter's. */
export const ratio = (ours, theirs) => (ours / theirs).toFixed(3);

/**
 * @param rows - `{ name, raw, bits, converter: { weightBytes, textBytes, psnr }, ours: { bytes, weightBytes, fidelity }, note? }`,
 *   fidelities measured on inputs held out
 */
export function describe(rows) {
  const head = [
    'model',
    'weights',
    'converter',
    'its weights',
    '+ text',
    'held out',
    '.esp',
    'its weights',
    'held out',
    'whole',
    'weights',
  ];
  const lines = rows.map(({ name, raw, bits, converter, ours }) => [
    name,
    whole(raw),
    typeof bits === 'number' ? (bits === 32 ? 'float32' : `${bits} bits`) : bits,
    whole(converter.weightBytes),
    whole(converter.weightBytes + converter.textBytes),
    decibels(converter.psnr),
    whole(ours.bytes),
    whole(ours.weightBytes),
    decibels(ours.fidelity.psnr),
    ratio(ours.bytes, converter.weightBytes + converter.textBytes),
    ratio(ours.weightBytes, converter.weightBytes),
  ]);
  const classes = rows
    .filter(({ ours }) => ours.fidelity.agreement !== undefined)
    .map(({ name, ours: { bytes, fidelity } }) => {
      const share = (100 * fidelity.agreement).toFixed(2);
      return `${name}, ${whole(bytes)} bytes: same class on ${share} % of ${fidelity.examples} held-out inputs, mean difference ${fidelity.meanDifference.toFixed(5)}`;
    });
  return [formatTable([head, ...lines]), ...classes].join('\n');
}
