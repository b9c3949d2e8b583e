// What a mutant is: one node of a source file written differently. `mutations` lists, for a node, what it becomes.
import ts from 'typescript';

const K = ts.SyntaxKind;

/** Operators and what each becomes. Comparisons move their boundary; conditions as a whole become true and false. */
const binary = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '<': ['<=', '>'],
  '<=': ['<', '>'],
  '>': ['>=', '<'],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['|'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
  '<<=': ['>>='],
  '>>=': ['<<='],
  '>>>=': ['<<='],
  '|=': ['&='],
  '&=': ['|='],
  '^=': ['|='],
};

/** Functions of `Math` and of TF.js: another function, or `''` for the argument alone. */
const functions = {
  Math: {
    max: 'min',
    min: 'max',
    floor: 'ceil',
    ceil: 'floor',
    round: 'floor',
    trunc: 'ceil',
    sqrt: '',
    abs: '',
    exp: '',
    log: '',
    log2: 'log',
    log1p: 'log',
    expm1: 'exp',
    sign: '',
    fround: '',
  },
  tf: {
    add: 'sub',
    sub: 'add',
    mul: 'div',
    div: 'mul',
    divNoNan: 'mul',
    maximum: 'minimum',
    minimum: 'maximum',
    max: 'min',
    min: 'max',
    sum: 'mean',
    mean: 'sum',
    greater: 'greaterEqual',
    greaterEqual: 'greater',
    less: 'lessEqual',
    lessEqual: 'less',
    equal: 'notEqual',
    notEqual: 'equal',
    logicalAnd: 'logicalOr',
    logicalOr: 'logicalAnd',
    floor: 'ceil',
    ceil: 'floor',
    round: 'floor',
    abs: '',
    neg: '',
    square: '',
    sqrt: '',
    exp: '',
    log: '',
    log1p: 'log',
    expm1: 'exp',
    sigmoid: '',
    softplus: '',
    softmax: '',
    logSoftmax: '',
    reciprocal: '',
    sign: '',
    relu: '',
    stopGradient: '',
  },
};

/** Methods of arrays and strings. `''` leaves the receiver alone. */
const methods = { every: 'some', some: 'every', filter: '', reverse: '', sort: '', subarray: '' };

/** Numbers: what is just beside them, and nothing. */
function literal(text) {
  const value = Number(text.replaceAll('_', ''));
  if (value === 0) return ['1'];
  if (value === 1) return ['0', '2'];
  if (Number.isInteger(value)) return [`(${text} + 1)`, `(${text} - 1)`];
  return Math.abs(value) < 1e-5 ? ['0'] : ['0', `(2 * ${text})`];
}

const isCondition = (node) =>
  (ts.isIfStatement(node.parent) && node.parent.expression === node) ||
  (ts.isConditionalExpression(node.parent) && node.parent.condition === node);
const isLoopCondition = (node) =>
  (ts.isForStatement(node.parent) && node.parent.condition === node) ||
  ((ts.isWhileStatement(node.parent) || ts.isDoStatement(node.parent)) && node.parent.expression === node);

/** Of a condition's mutations those that `true` and `false` do not cover: boundaries, `and` for `or`. */
function withoutNegation(node, found) {
  const operator = ts.isBinaryExpression(node) ? node.operatorToken.getText() : '';
  if (/^[<>]=?$/.test(operator)) return found.slice(0, 1);
  return /^[!=]==$/.test(operator) ? [] : found;
}

/** Whether one side of a sum is written as text, so that it is no sum. */
function isText(node) {
  if (ts.isParenthesizedExpression(node)) return isText(node.expression);
  if (ts.isBinaryExpression(node)) return isText(node.left) || isText(node.right);
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

function ofBinary(node, text) {
  const operator = text(node.operatorToken);
  if (operator === '+' && (isText(node.left) || isText(node.right))) return [];
  // `a ?? b && c` has to have its brackets.
  const side = /^(&&|\|\||\?\?)$/.test(operator) ? (n) => `(${text(n)})` : text;
  return (binary[operator] ?? []).map((other) => `${side(node.left)} ${other} ${side(node.right)}`);
}

function ofCall(node, text) {
  const callee = node.expression;
  if (!ts.isPropertyAccessExpression(callee) || node.flags & ts.NodeFlags.OptionalChain) return [];
  const [owner, name] = [text(callee.expression), callee.name.text];
  const all = node.arguments.map(text);
  const known = Object.hasOwn(functions, owner);
  const names = known ? functions[owner] : methods;
  if (!Object.hasOwn(names, name)) return [];
  if (names[name] !== '') return [`${owner}.${names[name]}(${all.join(', ')})`];
  return known ? [all[0] ?? 'undefined'] : [owner];
}

/** What may be left out: calls for their effect, and assignments. */
function ofStatement(node) {
  const inner = node.expression;
  if (ts.isCallExpression(inner) || ts.isAwaitExpression(inner))
    return inner.expression.kind === K.SuperKeyword ? [] : ['void 0'];
  if (ts.isBinaryExpression(inner) && inner.operatorToken.kind === K.EqualsToken) return ['void 0'];
  return [];
}

/** The ways in which a node is written differently, as source text. `text` gives a node's own. */
export function mutations(node, text) {
  const found = [];
  if (ts.isBinaryExpression(node)) found.push(...ofBinary(node, text));
  else if (ts.isCallExpression(node)) found.push(...ofCall(node, text));
  else if (ts.isNumericLiteral(node)) found.push(...literal(node.getText()));
  else if (node.kind === K.TrueKeyword) found.push('false');
  else if (node.kind === K.FalseKeyword) found.push('true');
  else if (ts.isPrefixUnaryExpression(node)) {
    const operand = text(node.operand);
    if (node.operator === K.MinusToken || node.operator === K.TildeToken) found.push(operand);
    if (node.operator === K.ExclamationToken && !isCondition(node)) found.push(`!!${operand}`);
    if (node.operator === K.PlusPlusToken) found.push(`--${operand}`);
    if (node.operator === K.MinusMinusToken) found.push(`++${operand}`);
  } else if (ts.isPostfixUnaryExpression(node)) {
    const operand = text(node.operand);
    found.push(node.operator === K.PlusPlusToken ? `${operand}--` : `${operand}++`);
  }
  // Negated it would be wrong where it is true or where it is false.
  if (isCondition(node)) return [...withoutNegation(node, found), 'true', 'false'];
  if (isLoopCondition(node)) return [...found, 'false'];
  return found;
}

/** What a statement becomes where it stands for its effect alone. */
export const omissions = (node) => (ts.isExpressionStatement(node) ? ofStatement(node) : []);

/** Nodes in which nothing is mutated: types, imports, errors and their words, texts. */
export function isOutside(node) {
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isThrowStatement(node)) return true;
  if (ts.isTemplateExpression(node)) return true;
  if (ts.isNewExpression(node) && /Error$/.test(node.expression.getText())) return true;
  return node.modifiers?.some((m) => m.kind === K.DeclareKeyword) ?? false;
}

export const isLoop = (node) => ts.isIterationStatement(node, false);
