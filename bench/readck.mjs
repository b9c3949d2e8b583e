import { readFileSync } from 'node:fs';
import { unpackState } from '@espalier/core';

const { arrays } = unpackState(new Uint8Array(readFileSync(process.argv[2])));
const q = (a, ps = [0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1]) => {
  const s = Float64Array.from(a).sort();
  return ps.map((p) => s[Math.min(s.length - 1, Math.floor(p * s.length))].toFixed(2)).join(' ');
};
for (const [k, a] of Object.entries(arrays)) {
  if (/plugin.*(logRate|alpha|beta|global)/s.test(k)) console.log(k.replace('\n', ' '), a.length, q(a));
  if (/plugin.*dropped/s.test(k))
    console.log(
      k.replace('\n', ' '),
      'dropped',
      a.reduce((x, y) => x + y, 0),
      'of',
      a.length,
    );
  if (/plugin.*logVariance/s.test(k)) {
    const name = k.split('\n')[1].replace(/\/logVariance/, '');
    const w = arrays['run\nweight:' + name];
    if (w && w.length === a.length) {
      const r = [];
      for (let i = 0; i < a.length; i++) if (w[i] !== 0) r.push(a[i] - 2 * Math.log(Math.abs(w[i])));
      console.log(
        name,
        'log s2/m2',
        q(r),
        'n',
        r.length,
        'lv',
        q(a),
        '>=1:',
        r.filter((x) => x >= 1).length,
        '>=3:',
        r.filter((x) => x >= 3).length,
      );
    } else console.log(name, 'cut; lv', q(a));
  }
}
