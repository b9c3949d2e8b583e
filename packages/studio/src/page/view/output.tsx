import { formatShape } from '@espalier/report';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Shown } from '../work/trial-run.js';

/** So many values are shown of what is no picture: the greatest where they are classes, else the first. */
const most = 8;

const isPicture = ({ shape }: Shown): boolean =>
  shape.length === 4 && shape[1] > 3 && shape[2] > 3 && (shape[3] === 1 || shape[3] === 3);

function paint(
  canvas: HTMLCanvasElement,
  { shape, values }: Shown,
  [low, high]: readonly [number, number],
): void {
  const [, height, width, channels] = shape;
  canvas.width = width;
  canvas.height = height;
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      data[4 * i + c] = (255 * (values[channels * i + (channels === 1 ? 0 : c)] - low)) / (high - low);
    }
    data[4 * i + 3] = 255;
  }
  canvas.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0);
}

function Picture({
  title,
  shown,
  range,
}: {
  title: string;
  shown: Shown;
  range: readonly [number, number];
}): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const { values } = shown;
    // Outputs may lie elsewhere than inputs do: what is far outside of the range has one of its own.
    const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const fits = top <= 2 * range[1];
    paint(canvas.current, shown, fits ? range : [0, Math.max(1, top)]);
  }, [shown, range]);
  return <canvas ref={canvas} role="img" aria-label={title} />;
}

function rowsOf({ shape, values }: Shown, ranked: boolean): [number, number][] {
  const all = Array.from(values, (value, i): [number, number] => [i, value]);
  if (ranked && shape.length === 2 && shape[1] > 1) all.sort((a, b) => b[1] - a[1]);
  return all.slice(0, most);
}

/** An input or an output: as a picture, or its values. */
export function Output({
  title,
  shown,
  range,
  ranked = false,
}: {
  title: string;
  shown: Shown;
  range: readonly [number, number];
  /** Of what may be classes, the greatest values first. */
  ranked?: boolean;
}): VNode {
  return (
    <figure>
      <figcaption>
        {title} <span class="layer-type">{formatShape(shown.shape)}</span>
      </figcaption>
      {isPicture(shown) ? (
        <Picture title={title} shown={shown} range={range} />
      ) : (
        <table>
          <tbody>
            {rowsOf(shown, ranked).map(([i, value]) => (
              <tr key={i}>
                <th scope="row" class="n">
                  {i}
                </th>
                <td class="n">{value.toPrecision(4)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}
