import { WIDTH } from '../numbers.js';

/** Fields of layers that are the last size of their kernels. */
const width = /("(?:filters|units|output_dim)":)(\d+)/g;

/**
 * A text with WIDTH in place of the width of a layer that its kernel says too: each stands for the last size of the next tensor that
 * has more than one. None where such a string has been there before.
 */
export function withoutWidths(
  text: string,
  tensors: readonly { readonly spec: { readonly shape: readonly number[] } }[],
): string | undefined {
  const token = JSON.stringify(WIDTH);
  if (text.includes(token)) return undefined;
  const widths = tensors.flatMap(({ spec: { shape } }) => (shape.length > 1 ? shape.slice(-1) : []));
  let next = 0;
  return text.replace(width, (whole, key: string, digits: string) => {
    if (widths[next] !== Number(digits)) return whole;
    next++;
    return key + token;
  });
}
