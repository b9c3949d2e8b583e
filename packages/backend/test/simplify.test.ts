import { describe, expect, it } from 'vitest';
import { simplify } from '../src/native/replay/simplify.js';
import type { Source, Trace, TracedCall, TracedNumbers } from '../src/native/replay/trace.js';

type Line = [op: string, inputs: string[], shape?: number[], attributes?: object, outputs?: number];

/** A trace of calls; `#2` is the output of the third, `#2.1` its second output. */
function traceOf(lines: readonly Line[], numbers: readonly Partial<TracedNumbers>[] = []): Trace {
  const source = (short: string): Source => {
    const [, call, output] = /^#(\d+)(?:\.(\d+))?$/.exec(short) ?? [];
    return call === undefined ? (short as Source) : `call ${Number(call)} ${Number(output ?? 0)}`;
  };
  const calls = lines.map(([op, inputs, shape = [2, 3], attributes = {}, outputs = 1], i): TracedCall => {
    const ids = Array.from({ length: outputs }, (_, k) => 100 * i + k);
    return {
      op,
      attributes: Object.entries(attributes).map(([name, value]) => ({ name, type: 1, value })),
      inputs: inputs.map(source),
      ids,
      shapes: ids.map(() => shape),
    };
  });
  const all = numbers.map((one, i) => ({
    shape: [one.values!.length],
    dtype: 3,
    make: undefined,
    id: -i,
    ...one,
  }));
  return { calls, numbers: all } as unknown as Trace;
}

function left(lines: readonly Line[], results: string[], numbers?: readonly Partial<TracedNumbers>[]) {
  const kept = new Set(results.map((r): Source => `call ${Number(r.slice(1))} 0`));
  const { calls, numbers: given } = simplify(traceOf(lines, numbers), kept);
  return {
    calls: calls.map(({ op, inputs, index }) => `${index} ${op} ${inputs}`),
    numbers: given,
  };
}

describe('simplify', () => {
  it('leaves out what nobody looks at, and what that alone looked at', () => {
    const lines: Line[] = [
      ['Mul', ['outside 0', 'outside 1']],
      ['Neg', ['#0']],
      ['Conv2DBackpropInput', ['#1', 'outside 1']],
      ['Add', ['outside 0', 'outside 1']],
    ];
    expect(left(lines, ['#3']).calls).toEqual(['3 Add outside 0,outside 1']);
  });

  it('keeps ops that may do more than compute', () => {
    const lines: Line[] = [
      ['RandomUniform', ['numbers 0']],
      ['RandomUniform', ['numbers 0']],
      ['Add', ['outside 0', '#1']],
    ];
    const { calls } = left(lines, ['#2'], [{ values: Int32Array.of(3) }]);
    expect(calls).toEqual([
      '0 RandomUniform numbers 0',
      '1 RandomUniform numbers 0',
      '2 Add outside 0,call 1 0',
    ]);
  });

  it('computes once what is asked for twice, with equal constants, in all outputs', () => {
    const lines: Line[] = [
      ['SplitV', ['outside 0', 'numbers 0'], [1, 3], { n: 2 }, 2],
      ['SplitV', ['outside 0', 'numbers 1'], [1, 3], { n: 2 }, 2],
      ['SplitV', ['outside 0', 'numbers 2'], [1, 3], { n: 2 }, 2],
      ['SplitV', ['outside 0', 'numbers 0'], [1, 3], { n: 3 }, 2],
      ['Mul', ['#0', '#1.1']],
      ['Mul', ['#2', '#3.1']],
      ['Add', ['#4', '#5']],
    ];
    const numbers = [
      [1, 1],
      [1, 1],
      [0, 2],
    ].map((values) => ({ values: Int32Array.from(values) }));
    expect(left(lines, ['#6'], numbers)).toEqual({
      calls: [
        '0 SplitV outside 0,numbers 0',
        '2 SplitV outside 0,numbers 2',
        '3 SplitV outside 0,numbers 0',
        '4 Mul call 0 0,call 0 1',
        '5 Mul call 2 0,call 3 1',
        '6 Add call 4 0,call 5 0',
      ],
      numbers: [0, 2],
    });
  });

  it('computes a loss once that a penalty asks for, too, with its gradient', () => {
    const lines: Line[] = [
      ['SoftmaxCrossEntropyWithLogits', ['outside 0', 'outside 1'], [4], {}, 2],
      ['SoftmaxCrossEntropyWithLogits', ['outside 0', 'outside 1'], [4], {}, 2],
      ['SoftmaxCrossEntropyWithLogits', ['outside 1', 'outside 0'], [4], {}, 2],
      ['Add', ['#0', '#1']],
      ['Mul', ['#1.1', '#2.1']],
    ];
    expect(left(lines, ['#3', '#4']).calls).toEqual([
      '0 SoftmaxCrossEntropyWithLogits outside 0,outside 1',
      '2 SoftmaxCrossEntropyWithLogits outside 1,outside 0',
      '3 Add call 0 0,call 0 0',
      '4 Mul call 0 1,call 2 1',
    ]);
  });

  it('tells numbers apart that are equal but for their sign or type, and gives those of each step always', () => {
    const lines: Line[] = [
      ['Mul', ['outside 0', 'numbers 0']],
      ['Mul', ['outside 0', 'numbers 1']],
      ['Mul', ['outside 0', 'numbers 2']],
      ['AddN', ['#0', '#1', '#2']],
    ];
    const make = (): Float32Array => Float32Array.of(0);
    const numbers = [
      { values: Float32Array.of(0), dtype: 1 },
      { values: Float32Array.of(-0), dtype: 1 },
      { values: Int32Array.of(0), dtype: 3 },
      { values: make(), dtype: 1, make },
      { values: make(), dtype: 1 },
    ];
    const { calls, numbers: given } = left(lines, ['#3'], numbers);
    expect(calls).toHaveLength(4);
    expect(given).toEqual([0, 1, 2, 3]);
  });

  it('casts and reshapes only where something changes', () => {
    const cast = (from: number, to: number): object => ({ SrcT: from, DstT: to });
    const lines: Line[] = [
      ['Cast', ['outside 0'], [2, 3], cast(1, 1)],
      ['Relu', ['#0'], [2, 3]],
      ['Reshape', ['#1', 'numbers 0'], [1, 2, 3]],
      ['Reshape', ['#2', 'numbers 1'], [2, 3]],
      ['Neg', ['#3'], [2, 3]],
      ['Reshape', ['#2', 'numbers 2'], [6]],
      ['Cast', ['#5'], [6], cast(1, 3)],
      ['Sum', ['#4'], []],
    ];
    const numbers = [[1, 2, 3], [2, 3], [6]].map((values) => ({ values: Int32Array.from(values) }));
    expect(left(lines, ['#6', '#7'], numbers)).toEqual({
      calls: [
        '1 Relu outside 0',
        '4 Neg call 1 0',
        '5 Reshape call 1 0,numbers 2',
        '6 Cast call 5 0',
        '7 Sum call 4 0',
      ],
      numbers: [2],
    });
  });

  it('leaves the calls of results as they are', () => {
    const lines: Line[] = [
      ['Reshape', ['outside 0', 'numbers 0'], [2, 3]],
      ['Reshape', ['#0', 'numbers 0'], [2, 3]],
      ['Reshape', ['#0', 'numbers 0'], [2, 3]],
    ];
    const { calls } = left(lines, ['#1', '#2'], [{ values: Int32Array.of(2, 3) }]);
    expect(calls).toEqual(['1 Reshape outside 0,numbers 0', '2 Reshape outside 0,numbers 0']);
  });
});
