/**
 * A drawing as MNIST has its digits: the ink scaled into 20 x 20 pixels, its centre of mass in the middle of
 * 28 x 28. Returns 784 numbers from 0 to 1, or undefined when nothing is drawn.
 */
export function toDigit(canvas) {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[4 * (y * width + x)] < 64) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return undefined;
  const ink = Math.max(right - left, bottom - top) + 1;
  const scale = 20 / ink;
  const small = document.createElement('canvas');
  small.width = small.height = 28;
  const pen = small.getContext('2d', { willReadFrequently: true });
  pen.imageSmoothingQuality = 'high';
  const draw = (dx, dy) => {
    pen.fillRect(0, 0, 28, 28);
    const [w, h] = [right - left + 1, bottom - top + 1];
    pen.drawImage(
      canvas,
      left,
      top,
      w,
      h,
      14 - (w * scale) / 2 + dx,
      14 - (h * scale) / 2 + dy,
      w * scale,
      h * scale,
    );
    return Float32Array.from(
      { length: 784 },
      (_, i) => pen.getImageData(i % 28, Math.floor(i / 28), 1, 1).data[0] / 255,
    );
  };
  const first = draw(0, 0);
  let [mass, mx, my] = [0, 0, 0];
  first.forEach((v, i) => {
    mass += v;
    mx += v * (i % 28);
    my += v * Math.floor(i / 28);
  });
  return draw(Math.round(13.5 - mx / mass), Math.round(13.5 - my / mass));
}
