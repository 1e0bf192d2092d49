import { GradelineError } from "../base/errors.ts";

/*
 * Just enough of onnx.proto3 to make every tensor between the nodes an output of the model: ModelProto.graph is field 7,
 * GraphProto.node 1 and GraphProto.output 12, NodeProto.output 2, ValueInfoProto.name 1.
 */
const GRAPH = 7;
const NODE = 1;
const NODE_OUTPUT = 2;
const GRAPH_OUTPUT = 12;
const VALUE_NAME = 1;
const LENGTH_DELIMITED = 2;

interface Field {
  readonly number: number;
  readonly wire: number;
  /** From the field's tag to its end. */
  readonly whole: Uint8Array;
  /** Of a field with a length; empty otherwise. */
  readonly content: Uint8Array;
}

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

function* fields(bytes: Uint8Array): Generator<Field> {
  for (let at = 0; at < bytes.length; ) {
    const from = at;
    const tag = varint(bytes, at);
    const wire = tag.value & 7;
    at = tag.end;
    let content = bytes.subarray(at, at);
    if (wire === 0) at = varint(bytes, at).end;
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === LENGTH_DELIMITED) {
      const length = varint(bytes, at);
      content = bytes.subarray(length.end, length.end + length.value);
      at = length.end + length.value;
    } else throw broken();
    if (at > bytes.length) throw broken();
    yield { number: Math.floor(tag.value / 8), wire, whole: bytes.subarray(from, at), content };
  }
}

function varint(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let at = from; at < bytes.length && at < from + 10; at++) {
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw broken();
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

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function broken(): GradelineError {
  return new GradelineError("MODEL", "the model's file is no ONNX model");
}
