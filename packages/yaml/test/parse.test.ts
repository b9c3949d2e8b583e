import { describe, expect, it } from 'vitest';
import { parseYaml, plainSource, problemsError } from '../src/index.js';

const failure = (text: string): Error & { code?: string } => {
  try {
    parseYaml(text, 'a.yaml');
  } catch (error) {
    return error as Error;
  }
  throw new RangeError('it was read');
};

describe('a tree and its places', () => {
  const { value, source } = parseYaml('a: 1\nstages:\n  - name: x\n    epochs: 3\n', 'a.yaml');

  it('has the values', () => {
    expect(value).toEqual({ a: 1, stages: [{ name: 'x', epochs: 3 }] });
  });

  it.each([
    [['a'], false, 'a.yaml:1:4'],
    [['a'], true, 'a.yaml:1:1'],
    [['stages', 0, 'epochs'], false, 'a.yaml:4:13'],
    [['stages', 0, 'epochs'], true, 'a.yaml:4:5'],
    // What is not there is looked for where it should stand.
    [['stages', 0, 'missing'], false, 'a.yaml:3:5'],
    [[], false, 'a.yaml:1:1'],
  ] as const)('%j, key: %s', (path, key, place) => {
    expect(source.locate(path, key)).toBe(place);
  });

  it('gives every problem its place', () => {
    const problems = [
      { path: ['a'], message: 'found 1.' },
      { path: ['stages', 0, 'name'], message: 'there is no such key.', key: true },
    ];
    const error = problemsError(problems, source);
    expect(error).toMatchObject({ code: 'bad-recipe' });
    expect(error.message).toBe('a.yaml:1:4: a: found 1.\na.yaml:3:5: stages.0.name: there is no such key.');
  });

  it('without lines, places are keys', () => {
    expect(plainSource('a.ts').locate(['stages', 0])).toBe('a.ts: stages.0');
    expect(plainSource('a.ts').locate([])).toBe('a.ts: recipe');
  });
});

describe('what is no tree is refused', () => {
  const billion = ['a0: &a0 [x, x]'];
  for (let i = 1; i < 30; i++) billion.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`);
  it.each([
    ['no YAML', 'a: [1', /^a\.yaml:\d+:\d+: /],
    ['an alias inside itself', 'a: &x\n  b: *x', /^a\.yaml:2:6: a\.b: it is an alias of what it stands in/],
    ['an alias of nothing', 'a: *x', /^a\.yaml.*x/],
    ['very many aliases', billion.join('\n'), /^a\.yaml: .*alias/i],
    ['more than 100 deep', `a: ${'['.repeat(150)}${']'.repeat(150)}`, /nested more than 100 deep/],
    ['so deep that the stack ends', `a: ${'['.repeat(1e5)}`, /^a\.yaml/],
  ])('%s', (_, text, message) => {
    const error = failure(text);
    expect(error).toMatchObject({ code: 'bad-recipe' });
    expect(error.message).toMatch(message);
  });

  it('a prototype is a key as any other', () => {
    const { value } = parseYaml(
      '__proto__: { polluted: 1 }\nconstructor: { prototype: { polluted: 1 } }',
      'a',
    );
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });
});
