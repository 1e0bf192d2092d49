import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GradelineError } from "../../base/errors.ts";
import { shortHash } from "../../base/short-hash.ts";
import type { LoadedModel } from "../model.ts";

/*
 * TensorRT's own format of a calibration table, as its calibrators write it and ONNX Runtime's TensorRT provider reads
 * it (`ReadDynamicRange` in tensorrt_execution_provider_utils.h, with `trt_int8_use_native_calibration_table`): a line
 * `TRT-<version>-<calibrator>`, then for each tensor `name: scale` with the scale's 32 bits in hexadecimal. A tensor's
 * range is its scale times 127. The provider looks for the file in the engine cache's folder.
 */
const HEAD = "TRT-100000-MinMaxCalibration";
const STEPS = 127;

/** Name of the table beside an engine. */
export const TABLE_NAME = "calibration.table";

/** A calibration table and its hash. */
export interface Calibration {
  readonly text: string;
  readonly sha256: string;
}

/** Where the table of a model is kept: among the engines, by the model's hash. */
export function tablePath(root: string, modelHash: string): string {
  return join(root, `calibration-${shortHash(modelHash)}.table`);
}

/** @param ranges largest magnitude of each tensor, above 0 */
export function encodeTable(ranges: ReadonlyMap<string, number>): Calibration {
  const bits = new DataView(new ArrayBuffer(4));
  const lines = [...ranges]
    // A name with a colon would be cut there by the provider, and its tensor then has no range: it stays in fp16.
    .filter(([name, range]) => range > 0 && !/[:\n]/.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, range]) => {
      bits.setFloat32(0, range / STEPS);
      return `${name}: ${bits.getUint32(0).toString(16).padStart(8, "0")}`;
    });
  return asCalibration(`${[HEAD, ...lines].join("\n")}\n`);
}

/** @returns range of each tensor @throws {GradelineError} FILE when it is no such table */
export function decodeTable(content: string): Map<string, number> {
  const [head, ...lines] = content.trimEnd().split("\n");
  if (!head?.startsWith("TRT-") || lines.length === 0) throw new GradelineError("FILE", "it is no calibration table");
  const bits = new DataView(new ArrayBuffer(4));
  return new Map(
    lines.map((line) => {
      const parts = /^([^:]+): ([0-9a-f]{1,8})$/.exec(line);
      if (parts === null) throw new GradelineError("FILE", `a calibration table has the line ${JSON.stringify(line)}`);
      bits.setUint32(0, Number.parseInt(parts[2]!, 16));
      return [parts[1]!, bits.getFloat32(0) * STEPS];
    }),
  );
}

/** @throws {GradelineError} PROVIDER when there is none, FILE when it is torn */
export async function readCalibration(root: string, modelHash: string): Promise<Calibration> {
  const path = tablePath(root, modelHash);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new GradelineError("PROVIDER", `tensorrt in int8 wants a calibration table, there is no ${path}`, {
      hint: "make one from the gallery's own images: gradeline-calibrate engine --precision int8 --gallery DIR",
      cause: error,
    });
  }
  try {
    decodeTable(text);
  } catch (error) {
    throw new GradelineError("FILE", `${path}: ${(error as Error).message}`, {
      hint: "make it again: gradeline-calibrate engine --precision int8 --gallery DIR",
      cause: error,
    });
  }
  return asCalibration(text);
}

/** Eight bits on TensorRT are another model to a gallery, and so is each other table. */
export function calibratedModel(model: LoadedModel, calibration: Calibration): LoadedModel {
  const { name, hash } = model.model;
  const bound = createHash("sha256").update(`${hash} tensorrt int8 ${calibration.sha256}`).digest("hex");
  return { ...model, model: { ...model.model, name: `${name} tensorrt int8`, hash: bound } };
}

function asCalibration(text: string): Calibration {
  return { text, sha256: createHash("sha256").update(text).digest("hex") };
}
