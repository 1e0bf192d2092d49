import { GradelineError } from "../base/errors.ts";

/** Wire type of a field with a length: a message, a text, bytes. */
export const LENGTH_DELIMITED = 2;
const VARINT = 0;

/** One field of a message in the form of Protocol Buffers, in which ONNX files are written. */
export interface Field {
  readonly number: number;
  readonly wire: number;
  /** From the field's tag to its end. */
  readonly whole: Uint8Array;
  /** Of a field with a length; empty otherwise. */
  readonly content: Uint8Array;
  /** Of a number; 0 otherwise. */
  readonly value: number;
}

/** @throws {GradelineError} MODEL when the bytes are no such message */
export function* fields(bytes: Uint8Array): Generator<Field> {
  for (let at = 0; at < bytes.length; ) {
    const from = at;
    const tag = varint(bytes, at);
    const wire = tag.value & 7;
    at = tag.end;
    let content = bytes.subarray(at, at);
    let value = 0;
    if (wire === VARINT) ({ value, end: at } = varint(bytes, at));
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === LENGTH_DELIMITED) {
      const length = varint(bytes, at);
      content = bytes.subarray(length.end, length.end + length.value);
      at = length.end + length.value;
    } else throw broken();
    if (at > bytes.length) throw broken();
    yield { number: Math.floor(tag.value / 8), wire, whole: bytes.subarray(from, at), content, value };
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

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function broken(): GradelineError {
  return new GradelineError("MODEL", "the model's file is no ONNX model");
}
