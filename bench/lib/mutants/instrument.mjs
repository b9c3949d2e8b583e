// All mutants of a file in one source: each place asks `$m` whether it is the one that differs. Nothing is compiled
// again between two mutants, and what a test reaches is known. Loops count their turns, so that endless ones end.
import ts from 'typescript';
import { isLoop, isOutside, mutations, omissions } from './operators.mjs';

const parse = (path, source) =>
  ts.createSourceFile(path, source, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS);

/** Whether a number is a name or belongs to a declaration that is none of the program's values. */
const isName = (node) => node.parent.name === node || ts.isLiteralTypeNode(node.parent);

/**
 * The mutants of a source: `line`, `was` and `becomes` as text, `start` and `end` of the node, `way` among those of
 * that node.
 */
export function mutantsOf(path, source) {
  const file = parse(path, source);
  const found = [];
  const text = (node) => node.getText(file);
  const visit = (node) => {
    if (isOutside(node)) return;
    const codes = isName(node)
      ? []
      : ts.isExpressionStatement(node)
        ? omissions(node)
        : mutations(node, text);
    const shown = ts.isExpressionStatement(node) ? node.expression : node;
    const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
    codes.forEach((code, way) => {
      const becomes = ts.isExpressionStatement(node) ? '(left out)' : code;
      const [start, end] = [shown.getStart(file), shown.end];
      found.push({ line, was: text(shown), becomes, code, start, end, way, statement: shown !== node });
    });
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
  return found;
}

/**
 * The source with its mutants in it. `sites` maps `start:end:statement` to what `$m` knows a place by and to its mutants' code
 * by way.
 */
export function instrument(path, source, sites) {
  const file = parse(path, source);
  const siteOf = (node, statement) => sites.get(`${node.getStart(file)}:${node.end}:${statement}`);
  /** `$m.h[7]=1` says that the place was reached; `$m.s` is the place that differs now, `$m.w` in which way. */
  const switched = ({ site, ways }, original) => {
    const others = [...ways].reduceRight((rest, [way, code]) => `$m.w===${way}?(${code}):${rest}`, 'void 0');
    return `($m.h[${site}]=1,$m.s!==${site}?(${original}):(${others}))`;
  };
  const children = (node) => {
    let [out, at] = ['', node.getStart(file)];
    ts.forEachChild(node, (child) => {
      const start = child.getStart(file);
      if (start < at) return;
      const inner = render(child);
      out +=
        source.slice(at, start) + (isLoop(node) && child === node.statement ? `{$m.turn();${inner}}` : inner);
      at = child.end;
    });
    return out + source.slice(at, node.end);
  };
  const render = (node) => {
    if (isOutside(node)) return source.slice(node.getStart(file), node.end);
    const own = siteOf(node, false);
    const inner = own ? switched(own, children(node)) : children(node);
    const left = node.parent && ts.isExpressionStatement(node.parent) && siteOf(node, true);
    return left ? switched(left, inner) : inner;
  };
  return children(file);
}
