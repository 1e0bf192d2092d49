import { createHash } from "node:crypto";
import type { Golden, LoadedModel } from "../../device/embed/model.ts";
import { patternViews } from "../../device/embed/proof.ts";

/** Writes small ONNX models, field by field of onnx.proto3, so that tests need no file and no Python. */

type Bytes = Uint8Array;

const FLOAT = 1;
const UINT8 = 2;
const DOUBLE = 11;
const OPSET = 13;
const IR_VERSION = 8;

export interface TinyOptions {
  readonly sizePx?: number;
  readonly dimension?: number;
  /** `double`: computes in double precision, which GPUs' providers mostly lack. `fixed`: fails for all batches but one view. */
  readonly twist?: "double" | "fixed";
  readonly golden?: Golden;
}

/** An embedder of a few operations: mean colour, a matrix, unit length. */
export function tinyModel(options: TinyOptions = {}): LoadedModel {
  const { sizePx = 8, dimension = 5, twist, golden = goldenOf(sizePx, dimension) } = options;
  const bytes = model(tinyNodes(twist), tinyInitializers(dimension), sizePx, dimension);
  return {
    model: {
      name: "tiny",
      version: "0.0.0",
      hash: createHash("sha256").update(bytes).digest("hex"),
      sizePx,
      dimension,
      cropMargin: 0.06,
      cropFill: 118,
    },
    bytes,
    precision: "fp32",
    variants: {},
    inputName: "views",
    outputName: "embedding",
    golden,
  };
}

function tinyNodes(twist: TinyOptions["twist"]): Bytes[] {
  const axes = (values: number[]): Bytes[] => [attribute("axes", values)];
  return [
    node("Cast", ["views"], ["pixels"], [attribute("to", FLOAT)]),
    ...(twist === "double"
      ? [
          node("Cast", ["pixels"], ["wide"], [attribute("to", DOUBLE)]),
          node("Sqrt", ["wide"], ["root"]),
          node("Cast", ["root"], ["used"], [attribute("to", FLOAT)]),
        ]
      : [node("Sqrt", ["pixels"], ["used"])]),
    node("ReduceMean", ["used"], ["mean"], [...axes([1, 2]), attribute("keepdims", 0)]),
    node("MatMul", ["mean", "weights"], ["raw"]),
    node("ReduceL2", ["raw"], ["length"], [...axes([1]), attribute("keepdims", 1)]),
    node("Div", ["raw", "length"], [twist === "fixed" ? "unit" : "embedding"]),
    ...(twist === "fixed" ? [node("Reshape", ["unit", "shape"], ["embedding"])] : []),
  ];
}

/** What it makes of two views, by the same operations here. */
function goldenOf(sizePx: number, dimension: number): Golden {
  const [count, pixels] = [2, sizePx * sizePx];
  const views = patternViews(count, sizePx);
  const weights = weightsOf(dimension);
  const embeddings = new Float32Array(count * dimension);
  for (let view = 0; view < count; view++) {
    const mean = [0, 0, 0];
    for (let at = 0; at < pixels * 3; at++) mean[at % 3]! += Math.sqrt(views[view * pixels * 3 + at]!) / pixels;
    const raw = Array.from({ length: dimension }, (_, column) =>
      mean.reduce((sum, value, row) => sum + value * weights[row * dimension + column]!, 0),
    );
    embeddings.set(
      raw.map((value) => value / Math.hypot(...raw)),
      view * dimension,
    );
  }
  return { count, views, embeddings, tolerance: 1e-4 };
}

function weightsOf(dimension: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 3 * dimension }, (_, i) => Math.sin(1 + i * i));
}

function tinyInitializers(dimension: number): Bytes[] {
  const weights = weightsOf(dimension);
  return [
    tensor("weights", FLOAT, [3, dimension], new Uint8Array(weights.buffer)),
    tensor("shape", 7, [2], new Uint8Array(BigInt64Array.of(1n, BigInt(dimension)).buffer)),
  ];
}

function model(nodes: Bytes[], initializers: Bytes[], sizePx: number, dimension: number): Bytes {
  const graph = [
    ...nodes.map((each) => field(1, each)),
    text(2, "tiny"),
    ...initializers.map((each) => field(5, each)),
    field(11, value("views", UINT8, ["N", sizePx, sizePx, 3])),
    field(12, value("embedding", FLOAT, ["N", dimension])),
  ];
  return join([number(1, IR_VERSION), field(7, join(graph)), field(8, join([text(1, ""), number(2, OPSET)]))]);
}

function node(type: string, inputs: string[], outputs: string[], attributes: Bytes[] = []): Bytes {
  return join([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, outputs[0]!),
    text(4, type),
    ...attributes.map((each) => field(5, each)),
  ]);
}

function attribute(name: string, content: number | number[]): Bytes {
  const [INT, INTS] = [2, 7];
  return Array.isArray(content)
    ? join([text(1, name), ...content.map((each) => number(8, each)), number(20, INTS)])
    : join([text(1, name), number(3, content), number(20, INT)]);
}

function tensor(name: string, type: number, sizes: number[], raw: Bytes): Bytes {
  return join([...sizes.map((size) => number(1, size)), number(2, type), text(8, name), field(9, raw)]);
}

function value(name: string, type: number, shape: (string | number)[]): Bytes {
  const sizes = shape.map((size) => field(1, typeof size === "string" ? text(2, size) : number(1, size)));
  return join([text(1, name), field(2, field(1, join([number(1, type), field(2, join(sizes))])))]);
}

function number(at: number, content: number): Bytes {
  return join([varint(at << 3), varint(content)]);
}

function text(at: number, content: string): Bytes {
  return field(at, new TextEncoder().encode(content));
}

function field(at: number, content: Bytes): Bytes {
  return join([varint((at << 3) | 2), varint(content.length), content]);
}

function varint(content: number): Bytes {
  const bytes: number[] = [];
  let rest = content;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

function join(parts: Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}
