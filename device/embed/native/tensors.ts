import type { TensorDescription } from "../node-worker.ts";
import { type Handle, type Library, textAt } from "./library.ts";

/** ONNXTensorElementDataType, as far as models here use it. */
const ELEMENTS: ReadonlyMap<number, string> = new Map([
  [1, "float32"],
  [2, "uint8"],
  [3, "int8"],
  [6, "int32"],
  [7, "int64"],
  [10, "float16"],
]);

/** Names, types and shapes of a session's inputs or outputs. */
export function describeTensors(library: Library, session: Handle, kind: "Input" | "Output"): TensorDescription[] {
  const count = Number(library.make(`SessionGet${kind}Count`, session));
  return Array.from({ length: count }, (_, at) => {
    const name = library.ownedText(`SessionGet${kind}Name`, session, at);
    const type = library.make(`SessionGet${kind}TypeInfo`, session, at);
    try {
      const tensor = library.make("CastTypeInfoToTensorInfo", type);
      if (tensor === 0n) return { name, type: "not a tensor", shape: [] };
      return { name, ...describeTensor(library, tensor) };
    } finally {
      library.call("ReleaseTypeInfo", type);
    }
  });
}

function describeTensor(library: Library, tensor: Handle): Pick<TensorDescription, "type" | "shape"> {
  // The library writes an int into the eight bytes that `make` gives it; they begin as zero.
  const element = Number(library.make("GetTensorElementType", tensor));
  const rank = Number(library.make("GetDimensionsCount", tensor));
  const sizes = new BigInt64Array(rank);
  library.call("GetDimensions", tensor, sizes, rank);
  const symbols = new BigUint64Array(rank);
  library.call("GetSymbolicDimensions", tensor, symbols, rank);
  const shape = Array.from(sizes, (size, axis) => {
    const name = textAt(symbols[axis]!);
    return size < 0n && name !== "" ? name : Number(size);
  });
  return { type: ELEMENTS.get(element) ?? `element type ${element}`, shape };
}
