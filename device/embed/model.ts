import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { Emphasis } from "../base/emphasis.ts";
import { GradelineError } from "../base/errors.ts";
import { USUAL_CROP } from "../grade/gallery.ts";
import type { Model } from "./embedder.ts";
import type { TensorDescription } from "./node-worker.ts";
import { refuseExternal } from "./onnx-external.ts";

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
/** A file beside the description; no path leads out of its folder. */
const fileSchema = z
  .string()
  .min(1)
  .refine((name) => basename(name) === name && name !== ".." && name !== ".", "a file name without a folder");

const descriptionSchema = z.looseObject({
  name: z.string().min(1),
  version: z.string().min(1),
  file: fileSchema,
  sha256: sha256Schema,
  input: z.looseObject({
    name: z.string().min(1),
    size: z.number().int().min(8).max(1024),
    layout: z.literal("NHWC"),
    type: z.literal("uint8"),
  }),
  output: z.looseObject({ name: z.string().min(1), dimension: z.number().int().min(1).max(4096) }),
  parts: z
    .array(
      z.looseObject({
        name: z.string().min(1),
        from: z.number().int().min(0),
        to: z.number().int().min(1),
        emphasis: z.number().min(0.01).max(100).optional(),
      }),
    )
    .max(16)
    .optional(),
  crop: z.looseObject({ margin: z.number().min(0).max(1), fill: z.number().int().min(0).max(255) }),
  variants: z
    .looseObject({
      fp16: z.looseObject({ file: fileSchema, sha256: sha256Schema }).optional(),
      int8: z.looseObject({ file: fileSchema, sha256: sha256Schema }).optional(),
    })
    .optional(),
  golden: z
    .looseObject({
      file: fileSchema,
      sha256: sha256Schema,
      count: z.number().int().min(1).max(1024),
      tolerance: z.number().positive(),
    })
    .describe("without it nobody knows what a backend should compute"),
});

type Description = z.output<typeof descriptionSchema>;

/** How every model was fed while its identity was the hash of its file alone: its galleries stay valid. */
const USUALLY_FED = fedAs({
  input: { name: "views", size: 96, layout: "NHWC", type: "uint8" },
  output: { name: "embedding", dimension: 192 },
  crop: USUAL_CROP,
  parts: [
    { name: "condition", from: 0, to: 64, emphasis: 1.264911 },
    { name: "identity", from: 64, to: 192, emphasis: 0.632456 },
  ],
});

/** The same network in fewer bits. */
export type Variant = "fp16" | "int8";

interface VariantFile {
  readonly path: string;
  readonly sha256: string;
  /** Identity of a model with these numbers. */
  readonly hash: string;
}

export interface LoadedModel {
  readonly model: Model;
  readonly bytes: Uint8Array;
  /** Of the numbers in `bytes`. */
  readonly precision: "fp32" | Variant;
  /** Files of the variants, and their hashes, as the description names them. */
  readonly variants: Readonly<Partial<Record<Variant, VariantFile>>>;
  readonly inputName: string;
  readonly outputName: string;
  readonly golden: Golden;
}

/** Views and the embeddings that the training framework gave for them. */
export interface Golden {
  readonly count: number;
  /** (count, sizePx, sizePx, 3). */
  readonly views: Uint8Array;
  /** (count, dimension), unit rows. */
  readonly embeddings: Float32Array;
  /** Largest difference of one component. */
  readonly tolerance: number;
}

/**
 * Reads a model's description and its file, and holds the file against the hash.
 *
 * @param path of the JSON description; the ONNX file lies beside it
 * @throws {GradelineError} MODEL when a file is missing or torn, MODEL_SHAPE when the description asks for what the
 *   product cannot feed
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  const description = parseDescription(path, await read(path));
  const { file, input, output, crop, golden, parts } = description;
  const bytes = await readHashed(join(dirname(path), file), description.sha256, path);
  const model: Model = {
    name: description.name,
    version: description.version,
    hash: identityOf(description, description.sha256),
    sizePx: input.size,
    dimension: output.dimension,
    cropMargin: crop.margin,
    cropFill: crop.fill,
    ...(parts === undefined
      ? {}
      : { parts: parts.map(({ name, from, to }) => ({ name, from, to })), emphasis: emphasisOf(parts) }),
  };
  return {
    model,
    bytes,
    precision: "fp32",
    variants: variantsBeside(path, description),
    inputName: input.name,
    outputName: output.name,
    golden: parseGolden(golden, model, await read(join(dirname(path), golden.file))),
  };
}

/** Everything that changes an embedding or the meaning of its numbers; if it differs, it is another model. */
function fedAs({ input, output, crop, parts = [] }: Pick<Description, "input" | "output" | "crop" | "parts">): string {
  return JSON.stringify({
    input: [input.name, input.size, input.layout, input.type],
    output: [output.name, output.dimension],
    crop: [crop.margin, crop.fill],
    parts: parts.map(({ name, from, to, emphasis = 1 }) => [name, from, to, emphasis]),
  });
}

/** @param sha256 of the ONNX file */
function identityOf(description: Description, sha256: string): string {
  const fed = fedAs(description);
  return fed === USUALLY_FED ? sha256 : createHash("sha256").update(`${sha256}\n${fed}`).digest("hex");
}

function emphasisOf(parts: NonNullable<z.output<typeof descriptionSchema>["parts"]>): Emphasis[] | undefined {
  const asked = parts.flatMap(({ from, to, emphasis }) =>
    emphasis === undefined ? [] : [{ from, to, factor: emphasis }],
  );
  return asked.length === 0 ? undefined : asked;
}

/**
 * Names of all files that a model consists of: its description first, then those beside it that the description names.
 *
 * @param path of the JSON description
 * @throws {GradelineError} MODEL, MODEL_SHAPE
 */
export async function filesOfModel(path: string): Promise<string[]> {
  const { file, golden, variants = {} } = parseDescription(path, await read(path));
  const named = [file, golden.file, variants.fp16?.file, variants.int8?.file];
  return [...new Set([basename(path), ...named.filter((name) => name !== undefined)])];
}

/**
 * Reads the file of a variant in the place of the single-precision one.
 *
 * Half precision moves an embedding by less than the distances between any two views, so it counts as the same model
 * and reads the same galleries. Eight bits move it by a tenth of a threshold and more: that is another model, with a
 * hash of its own, and a gallery of the one is refused by the other.
 *
 * @throws {GradelineError} MODEL when the description names no such variant, or its file is missing or torn
 */
export async function loadVariant(loaded: LoadedModel, variant: Variant): Promise<LoadedModel> {
  if (loaded.precision === variant) return loaded;
  const found = loaded.variants[variant];
  if (found === undefined) {
    throw new GradelineError("MODEL", `${loaded.model.name} ${loaded.model.version} has no ${variant} variant`, {
      hint: "export it with the recipe in models/train (--variants), or set embedder.precision to auto",
    });
  }
  const bytes = await readHashed(found.path, found.sha256, "the description");
  const { model } = loaded;
  return {
    ...loaded,
    bytes,
    precision: variant,
    model: variant === "int8" ? { ...model, name: `${model.name} int8`, hash: found.hash } : model,
  };
}

function variantsBeside(path: string, description: Description): LoadedModel["variants"] {
  const place = (variant: Variant) => {
    const { file, sha256 } = description.variants?.[variant] ?? {};
    if (file === undefined || sha256 === undefined) return {};
    return { [variant]: { path: join(dirname(path), file), sha256, hash: identityOf(description, sha256) } };
  };
  return { ...place("fp16"), ...place("int8") };
}

async function readHashed(path: string, wanted: string, by: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await read(path);
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash === wanted) {
    refuseExternal(bytes, basename(path));
    return bytes;
  }
  throw new GradelineError(
    "MODEL",
    `${basename(path)} has sha256 ${hash} (${bytes.length} bytes), ${by} wants ${wanted}`,
    { hint: "the file is damaged or belongs to another description: copy both again" },
  );
}

/**
 * Holds the tensors that the library found in the file against the description.
 *
 * @throws {GradelineError} MODEL_SHAPE
 */
export function checkTensors(
  loaded: LoadedModel,
  inputs: readonly TensorDescription[],
  outputs: readonly TensorDescription[],
): void {
  const { sizePx, dimension } = loaded.model;
  checkTensor("input", inputs, loaded.inputName, "uint8", [undefined, sizePx, sizePx, 3]);
  checkTensor("output", outputs, loaded.outputName, "float32", [undefined, dimension]);
}

function checkTensor(
  kind: "input" | "output",
  found: readonly TensorDescription[],
  name: string,
  type: string,
  shape: readonly (number | undefined)[],
): void {
  const tensor = found.find((candidate) => candidate.name === name);
  const wanted = `${name} ${type} [${shape.map((size) => size ?? "N").join(", ")}]`;
  const has = found
    .map((candidate) => `${candidate.name} ${candidate.type} [${candidate.shape.join(", ")}]`)
    .join("; ");
  const fits =
    tensor !== undefined &&
    (kind === "output" || found.length === 1) &&
    tensor.type === type &&
    tensor.shape.length === shape.length &&
    shape.every((size, axis) => {
      const actual = tensor.shape[axis];
      // The batch axis must be free; other axes may be left open by the exporter, the run itself then checks them.
      return size === undefined
        ? typeof actual === "string" || actual === -1
        : typeof actual !== "number" || actual === size;
    });
  if (!fits) {
    throw new GradelineError("MODEL_SHAPE", `the model's ${kind} is ${has || "absent"}, wanted ${wanted}`, {
      hint: "export the model with the recipe in models/train, or correct its description",
    });
  }
}

function parseDescription(path: string, bytes: Uint8Array): Description {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new GradelineError("MODEL", `${path} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = descriptionSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join(".") || "it"}: ${issue.message}`);
  throw new GradelineError("MODEL_SHAPE", `${path} does not describe a usable model: ${issues.join("; ")}`, {
    hint: "wanted: uint8 NHWC views in, one embedding per view out; see models/README.md",
  });
}

function parseGolden(golden: Description["golden"], model: Model, bytes: Uint8Array): Golden {
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== golden.sha256) {
    throw new GradelineError("MODEL", `${golden.file} has sha256 ${hash}, its description wants ${golden.sha256}`);
  }
  const viewBytes = golden.count * model.sizePx * model.sizePx * 3;
  const embeddingBytes = golden.count * model.dimension * 4;
  if (bytes.length !== viewBytes + embeddingBytes) {
    throw new GradelineError(
      "MODEL",
      `${golden.file} has ${bytes.length} bytes, ${golden.count} views and embeddings have ${viewBytes + embeddingBytes}`,
    );
  }
  return {
    count: golden.count,
    views: bytes.subarray(0, viewBytes),
    // A copy: the embeddings need not lie at a multiple of four bytes.
    embeddings: new Float32Array(bytes.slice(viewBytes).buffer),
    tolerance: golden.tolerance,
  };
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // A copy of its own, so that the buffer can be handed to a thread whole.
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new GradelineError("MODEL", `${path} cannot be read: ${(error as Error).message}`, {
      hint: "give the description of a model that lies there, e.g. models/embedder.json",
      cause: error,
    });
  }
}
