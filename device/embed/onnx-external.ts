import { GradelineError } from "../base/errors.ts";
import { fields, LENGTH_DELIMITED, text } from "./onnx-fields.ts";

type Message = "model" | "graph" | "node" | "attribute" | "tensor" | "sparse" | "function" | "training";

/** Fields of onnx.proto3 in which a message lies that may hold tensors, at whatever depth. */
const INSIDE: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: "graph", 20: "training", 25: "function" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  function: { 7: "node", 11: "attribute" },
  training: { 1: "graph", 2: "graph" },
  tensor: {},
};
const NODE_TYPE = 4;
const TENSOR_NAME = 8;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;

/**
 * Refuses a model that is not whole in its one file. The library would read the rest by a path of the model's choice, from
 * the working directory, and no hash covers it.
 *
 * @param name of the file
 * @throws {GradelineError} MODEL
 */
export function refuseExternal(bytes: Uint8Array, name: string): void {
  const found = elsewhere(bytes, "model");
  if (found === undefined) return;
  throw new GradelineError("MODEL", `${name} keeps ${found} in another file, which no hash covers`, {
    hint: "export the model as one file: onnx.save_model with save_as_external_data=False",
  });
}

/** The parts of a message that are stored in another file; undefined if there are none. */
function elsewhere(bytes: Uint8Array, message: Message): string | undefined {
  let name = "";
  let external = false;
  for (const { number, wire, content, value } of fields(bytes)) {
    const inside = INSIDE[message][number];
    if (inside !== undefined && wire === LENGTH_DELIMITED) {
      const found = elsewhere(content, inside);
      if (found !== undefined) return found;
    }
    // An engine that was compiled before; the node holds its path.
    if (message === "node" && number === NODE_TYPE && text(content) === "EPContext") return "a compiled engine";
    if (message !== "tensor") continue;
    if (number === TENSOR_NAME) name = text(content);
    if (number === EXTERNAL_DATA || (number === DATA_LOCATION && value !== 0)) external = true;
  }
  return external ? `the numbers of ${JSON.stringify(name.slice(0, 80))}` : undefined;
}
