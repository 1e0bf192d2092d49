import { parse } from "@babel/parser";

/** One small change of a source, as somebody might make it by mistake. */
export interface Mutation {
  readonly kind: string;
  /** Where the changed text stands in the source. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** What comes here comes to the mutation; the operator of `a ?? b` itself counts as a part of `b`. */
  readonly at: number;
  readonly was: string;
  readonly becomes: string;
  /** The same for as long as its line of code is the same, wherever that line moves. */
  readonly key: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

const OPERATORS: ReadonlyMap<string, string> = new Map([
  ["<", "<="],
  ["<=", "<"],
  [">", ">="],
  [">=", ">"],
  ["===", "!=="],
  ["!==", "==="],
  ["+", "-"],
  ["-", "+"],
  ["*", "/"],
  ["/", "*"],
  ["%", "*"],
  ["&", "|"],
  ["|", "&"],
  ["<<", ">>"],
  [">>", "<<"],
  ["&&", "||"],
  ["||", "&&"],
  ["??", "&&"],
  ["+=", "-="],
  ["-=", "+="],
  ["*=", "/="],
  ["/=", "*="],
  ["&&=", "="],
  ["||=", "="],
  ["??=", "="],
]);

const CALLS: ReadonlyMap<string, string> = new Map([
  ["min", "max"],
  ["max", "min"],
  ["floor", "ceil"],
  ["ceil", "floor"],
  ["round", "floor"],
  ["some", "every"],
  ["every", "some"],
]);

/** Calls that may be left out, so that what they were called on stands alone. */
const LEFT_OUT = new Set(["filter", "sort", "toSorted", "reverse", "toReversed", "slice", "trim"]);

/** What a person reads in a log is not asked for by a test. */
const LOG_LEVELS = new Set(["trace", "debug", "info", "warn", "error", "fatal"]);

/** @returns the mutations of a TypeScript source, in the order of the text */
export function mutationsOf(source: string): Mutation[] {
  const planted: Mutation[] = [];
  const lines = source.split("\n");
  const seen = new Map<string, number>();
  const plant = (kind: string, start: number, end: number, becomes: string, at = start) => {
    const was = source.slice(start, end);
    const line = source.slice(0, start).split("\n").length;
    const base = `${lines[line - 1]!.trim()} | ${shorten(was)} -> ${shorten(becomes)}`;
    const nth = seen.get(base) ?? 0;
    seen.set(base, nth + 1);
    planted.push({ kind, start, end, line, at, was, becomes, key: nth === 0 ? base : `${base} #${nth + 1}` });
  };
  const file = parse(source, { sourceType: "module", plugins: ["typescript", "explicitResourceManagement"] });
  visit(file.program as unknown as Node, source, plant);
  return planted.sort((a, b) => a.start - b.start || a.end - b.end);
}

type Plant = (kind: string, start: number, end: number, becomes: string, at?: number) => void;

function visit(node: Node, source: string, plant: Plant): void {
  if (isPassedOver(node)) return;
  RULES.get(node.type)?.(node, source, plant);
  for (const child of childrenOf(node)) visit(child, source, plant);
}

/** Types, imports, words for a person: what runs does not change with them, or nobody but a reader notices. */
function isPassedOver(node: Node): boolean {
  if (node.type === "ThrowStatement") return true;
  if (node.type === "NewExpression" && /Error$/.test(String((node.callee as Node).name))) return true;
  if (node.type === "ExpressionStatement" && isLogCall(node.expression as Node)) return true;
  if (/^(Import|ExportAll)/.test(node.type)) return true;
  return node.type.startsWith("TS") && !/^TS(As|Satisfies|NonNull)Expression$|^TSParameterProperty$/.test(node.type);
}

function isLogCall(node: Node): boolean {
  if (node.type !== "CallExpression" && node.type !== "OptionalCallExpression") return false;
  const callee = node.callee as Node;
  return LOG_LEVELS.has(nameOf(callee)) && /log/i.test(nameOf(callee.object as Node | undefined));
}

/** @returns `c` for `a.b.c`, for `this.#c` and for `c` */
function nameOf(node: Node | undefined): string {
  if (node === undefined) return "";
  if (node.type === "Identifier") return String(node.name);
  if (node.type === "PrivateName") return nameOf(node.id as Node);
  return /MemberExpression$/.test(node.type) ? nameOf(node.property as Node) : "";
}

function* childrenOf(node: Node): Generator<Node> {
  for (const [field, value] of Object.entries(node)) {
    if (field === "loc" || field === "typeAnnotation" || field === "returnType") continue;
    // `i--` in the head of a loop ends in a time-out, which costs much and shows nothing.
    if (field === "update" && node.type === "ForStatement") continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === "object" && "type" in child && "start" in child) yield child as Node;
    }
  }
}

const RULES: ReadonlyMap<string, (node: Node, source: string, plant: Plant) => void> = new Map([
  ["BinaryExpression", operator],
  ["LogicalExpression", operator],
  ["AssignmentExpression", operator],
  ["IfStatement", test],
  ["ConditionalExpression", test],
  ["WhileStatement", test],
  ["NumericLiteral", number],
  ["BooleanLiteral", boolean],
  ["UnaryExpression", unary],
  ["UpdateExpression", update],
  ["CallExpression", call],
  ["OptionalCallExpression", call],
  ["ExpressionStatement", statement],
  ["ObjectExpression", spread],
]);

function operator(node: Node, source: string, plant: Plant): void {
  const left = node.left as Node;
  const right = node.right as Node;
  const was = String(node.operator);
  const becomes = OPERATORS.get(was);
  if (becomes === undefined) return;
  if (was === "+" && [left, right].some(({ type }) => type === "StringLiteral" || type === "TemplateLiteral")) return;
  const start = left.end + source.slice(left.end, right.start).indexOf(was);
  plant("operator", start, start + was.length, becomes, node.start);
}

function test(node: Node, _source: string, plant: Plant): void {
  const { start, end, type } = node.test as Node;
  if (type === "BooleanLiteral") return;
  plant("condition", start, end, "false");
  // Without an end a loop says nothing but that it has none.
  if (node.type !== "WhileStatement") plant("condition", start, end, "true");
}

function number(node: Node, _source: string, plant: Plant): void {
  const value = Number(node.value);
  plant("number", node.start, node.end, value === 0 ? "1" : String(value * 2));
  if (value >= 1000) plant("number", node.start, node.end, String(value / 1000));
}

function boolean(node: Node, _source: string, plant: Plant): void {
  plant("boolean", node.start, node.end, String(node.value !== true));
}

function unary(node: Node, _source: string, plant: Plant): void {
  const operand = node.argument as Node;
  if (node.operator !== "!" && node.operator !== "-") return;
  plant("sign", node.start, operand.start, node.operator === "-" ? "+" : " ");
}

function update(node: Node, _source: string, plant: Plant): void {
  const becomes = node.operator === "++" ? "--" : "++";
  const start = node.prefix === true ? node.start : (node.argument as Node).end;
  plant("operator", start, start + 2, becomes);
}

function call(node: Node, source: string, plant: Plant): void {
  const callee = node.callee as Node;
  if (!/MemberExpression$/.test(callee.type)) return;
  const property = callee.property as Node;
  const name = nameOf(property);
  const other = CALLS.get(name);
  if (other !== undefined) plant("call", property.start, property.end, other);
  const object = callee.object as Node;
  if (LEFT_OUT.has(name)) plant("call left out", node.start, node.end, source.slice(node.start, object.end));
}

function statement(node: Node, _source: string, plant: Plant): void {
  const expression = node.expression as Node;
  const inner = expression.type === "AwaitExpression" ? (expression.argument as Node) : expression;
  if (!/^(Call|OptionalCall|Assignment|Update)Expression$/.test(inner.type) && !isDelete(inner)) return;
  if ((inner.callee as Node | undefined)?.type === "Super") return;
  plant("statement left out", node.start, node.end, ";");
}

function isDelete(node: Node): boolean {
  return node.type === "UnaryExpression" && node.operator === "delete";
}

/** `{ ...state, x }` without what was there. */
function spread(node: Node, _source: string, plant: Plant): void {
  for (const { type, start, end } of node.properties as Node[]) {
    if (type === "SpreadElement") plant("spread left out", start, end, "...{}");
  }
}

function shorten(text: string): string {
  const flat = text.replaceAll(/\s+/g, " ");
  return flat.length <= 80 ? flat : `${flat.slice(0, 77)}...`;
}

/** @returns the source with the mutation in it */
export function withMutation(source: string, { start, end, becomes }: Mutation): string {
  return source.slice(0, start) + becomes + source.slice(end);
}
