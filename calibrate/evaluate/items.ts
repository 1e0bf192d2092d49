import { createHash } from "node:crypto";
import { asGradelineError, GradelineError } from "../../device/base/errors.ts";
import { READABLE } from "../../device/capture/kinds.ts";
import type { Embedder } from "../../device/embed/embedder.ts";
import { embedAll } from "../../device/gallery/enroll.ts";
import type { ItemFiles } from "../pictures/images.ts";
import { Remarks } from "../pictures/remarks.ts";
import { StillReader } from "../pictures/still-reader.ts";
import { HSV_LENGTH, hsvHistogram } from "./base-line.ts";

/** An item with the embeddings of its views. */
export interface EmbeddedItem {
  readonly grade: string;
  readonly name: string;
  /** The pictures of its views, in their order; none of what is enrolled. */
  readonly files: readonly string[];
  readonly views: number;
  /** (views, dimension). */
  readonly embeddings: Float32Array;
  /** (views, HSV_LENGTH) colours alone; undefined where no picture is kept. */
  readonly histograms: Float32Array | undefined;
  /** Equal where it is the same pictures. */
  readonly crops: string;
}

export interface EmbedItemsOptions {
  readonly onItem?: (done: number) => void;
  readonly signal?: AbortSignal;
  /** Takes pictures that cannot be read, or show a second fruit. */
  readonly remarks?: Remarks;
}

/** Items that are read and cropped at a time: decoding runs in threads of its own, and the session must not wait. */
const AT_A_TIME = 6;

/**
 * Reads, crops and embeds every item. A picture that cannot be read is passed over and told; an item without any is none.
 *
 * @throws {GradelineError} FILE when a file cannot be opened, INFERENCE; SOURCE_EMPTY when no picture could be used
 */
export async function embedItems(
  files: readonly ItemFiles[],
  embedder: Embedder,
  { onItem = () => {}, signal, remarks = new Remarks() }: EmbedItemsOptions = {},
): Promise<readonly EmbeddedItem[]> {
  const items: (EmbeddedItem | undefined)[] = new Array(files.length);
  const reader = new StillReader(embedder.model, remarks);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < files.length; index = next++) {
      signal?.throwIfAborted();
      const item = files[index]!;
      const read = await readViews(item, reader, remarks);
      if (read.crops.length > 0) items[index] = await describe(item, read, embedder);
      onItem(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const found = items.filter((item) => item !== undefined);
  if (found.length === 0) {
    const pictures = files.reduce((sum, item) => sum + item.files.length, 0);
    const first = remarks.passedOver.at(-1)?.reason;
    throw new GradelineError("SOURCE_EMPTY", `none of ${pictures} pictures could be read: ${first}`, {
      hint: `images are ${READABLE}`,
    });
  }
  return found;
}

interface Read {
  readonly crops: Uint8Array[];
  readonly paths: string[];
}

async function readViews({ files }: ItemFiles, reader: StillReader, remarks: Remarks): Promise<Read> {
  const read: Read = { crops: [], paths: [] };
  for (const path of files) {
    try {
      read.crops.push(await reader.crop(path));
      read.paths.push(path);
    } catch (error) {
      const { code, message } = asGradelineError(error);
      if (code !== "IMAGE" && code !== "IMAGE_SIZE") throw error;
      remarks.passOver(path, message);
    }
  }
  return read;
}

async function describe(item: ItemFiles, { crops, paths }: Read, embedder: Embedder): Promise<EmbeddedItem> {
  const histograms = new Float32Array(crops.length * HSV_LENGTH);
  const hash = createHash("sha256");
  for (const [view, crop] of crops.entries()) {
    hsvHistogram(crop, embedder.model.cropFill, histograms.subarray(view * HSV_LENGTH, (view + 1) * HSV_LENGTH));
    hash.update(crop);
  }
  return {
    grade: item.grade,
    name: item.name,
    files: paths,
    views: crops.length,
    embeddings: await embedAll(embedder, crops),
    histograms,
    crops: hash.digest("hex"),
  };
}
