import { GradelineError } from "../base/errors.ts";
import { fields, LENGTH_DELIMITED, text } from "./onnx-fields.ts";

/*
 * Just enough of onnx.proto3 to make every tensor between the nodes an output of the model: ModelProto.graph is field 7,
 * GraphProto.node 1 and GraphProto.output 12, NodeProto.output 2, ValueInfoProto.name 1.
 */
const GRAPH = 7;
const NODE = 1;
const NODE_OUTPUT = 2;
const GRAPH_OUTPUT = 12;
const VALUE_NAME = 1;

/**
 * The same model with every tensor that a node makes as an output besides its own; the library finds out their types.
 *
 * @returns the model, and the names that were added
 * @throws {GradelineError} MODEL when the bytes are no ONNX model
 */
export function withAllOutputs(model: Uint8Array): { readonly bytes: Uint8Array; readonly names: string[] } {
  const parts: Uint8Array[] = [];
  const names: string[] = [];
  for (const field of fields(model)) {
    if (field.number !== GRAPH || field.wire !== LENGTH_DELIMITED) {
      parts.push(field.whole);
      continue;
    }
    const inside = [...fields(field.content)];
    const known = new Set(inside.filter(({ number }) => number === GRAPH_OUTPUT).map(({ content }) => nameOf(content)));
    for (const { number, content } of inside) {
      if (number !== NODE) continue;
      for (const output of fields(content)) {
        const name = output.number === NODE_OUTPUT ? text(output.content) : "";
        if (name !== "" && !known.has(name)) names.push(name);
      }
    }
    const added = names.map((name) => delimited(GRAPH_OUTPUT, delimited(VALUE_NAME, new TextEncoder().encode(name))));
    parts.push(delimited(GRAPH, Buffer.concat([field.content, ...added])));
  }
  if (names.length === 0) throw new GradelineError("MODEL", "the model has no nodes between its input and its output");
  return { bytes: Buffer.concat(parts), names };
}

function nameOf(value: Uint8Array): string {
  for (const { number, content } of fields(value)) if (number === VALUE_NAME) return text(content);
  return "";
}

function delimited(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([encoded(number * 8 + LENGTH_DELIMITED), encoded(content.length), content]);
}

function encoded(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}
