import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadModel } from "../../device/embed/model.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { patternViews } from "../../device/embed/proof.ts";
import { paintViews } from "./embedder-contract.ts";

const GOLDEN_VIEWS = 2;
export const TINY = "test/fixtures/embed/tiny.json";

/** The description of a model as JSON, to be changed by tests. */
// biome-ignore lint/suspicious/noExplicitAny: tests put into it what does not belong there
export type Description = Record<string, any>;

/**
 * Writes the tiny model and its description into a folder.
 *
 * @param change changes the description before it is written
 * @param onnx changes the model's file; the description is given its hash
 * @returns path of the description
 */
export async function writeTiny(
  folder: string,
  change: (description: Description) => void = () => {},
  onnx: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<string> {
  const description = JSON.parse(await readFile(TINY, "utf8")) as Description;
  const bytes = onnx(await readFile("test/fixtures/embed/tiny.onnx"));
  await writeFile(join(folder, "tiny.onnx"), bytes);
  description.sha256 = sha256(bytes);
  const { golden } = description;
  const shipped = JSON.stringify([description.input.size, description.output.dimension]);
  change(description);
  // Where the test says nothing of them they fit the model, or, where that fits nothing, at least the description.
  if (description.golden === golden && golden !== undefined) {
    const { input, output } = description;
    const fits = JSON.stringify([input.size, output.dimension]) === shipped;
    const length = GOLDEN_VIEWS * (input.size ** 2 * 3 + output.dimension * 4);
    const vectors = fits ? goldenOf(bytes) : Buffer.alloc(Number.isNaN(length) ? 0 : length);
    await writeFile(join(folder, golden.file), vectors);
    golden.sha256 = sha256(vectors);
  }
  const path = join(folder, "tiny.json");
  await writeFile(path, JSON.stringify(description));
  return path;
}

/** Two views, and what the tiny model makes of them by the same operations here. */
export function goldenOf(onnx: Buffer): Buffer {
  const [size, dimension] = [16, 12];
  // The number that it adds to each pixel: the only one of its raw data.
  const added = onnx.indexOf(Buffer.from([0x4a, 4]));
  const lift = added < 0 ? 1 : onnx.readFloatLE(added + 2);
  const views = patternViews(GOLDEN_VIEWS, size);
  const embeddings = new Float32Array(GOLDEN_VIEWS * dimension);
  for (let view = 0; view < GOLDEN_VIEWS; view++) {
    const row = embeddings.subarray(view * dimension, (view + 1) * dimension);
    for (let at = 0; at < size * size * 3; at++) {
      const pixel = Math.floor(at / 3);
      const quarter = (pixel >= (size * size) / 2 ? 2 : 0) + (pixel % size >= size / 2 ? 1 : 0);
      row[(at % 3) * 4 + quarter]! += views[view * size * size * 3 + at]! + lift;
    }
    const length = Math.hypot(...row);
    for (const [column, value] of row.entries()) row[column] = value / length;
  }
  return Buffer.concat([views, new Uint8Array(embeddings.buffer)]);
}

/** As above, with golden vectors of `count` views. `change` gets the embeddings before they are written. */
export async function writeTinyWithGolden(
  folder: string,
  count: number,
  change: (embeddings: Float32Array) => void = () => {},
): Promise<string> {
  const embedder = await openTiny(count);
  const { dimension, sizePx } = embedder.model;
  const views = paintViews(count, sizePx);
  const embeddings = new Float32Array(count * dimension);
  await embedder.embed(views, count, embeddings);
  await embedder.close();
  change(embeddings);
  const bytes = Buffer.concat([views, new Uint8Array(embeddings.buffer)]);
  await writeFile(join(folder, "golden.bin"), bytes);
  return writeTiny(folder, (description) => {
    description.golden = { file: "golden.bin", sha256: sha256(bytes), count, tolerance: 1e-4 };
  });
}

export async function openTiny(maxBatch = 16): Promise<NodeEmbedder> {
  return NodeEmbedder.open(await loadModel(TINY), { provider: "cpu", threads: 1, maxBatch });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Another model of the same shape: it adds another number to every pixel, so its embeddings are others. */
export function writeOtherTiny(folder: string, change: (description: Description) => void = () => {}): Promise<string> {
  const one = Buffer.from([0x4a, 4, 0, 0, 0x80, 0x3f]);
  return writeTiny(
    folder,
    (description) => {
      description.name = "other";
      change(description);
    },
    (bytes) => {
      bytes.writeFloatLE(60, bytes.indexOf(one) + 2);
      return bytes;
    },
  );
}
