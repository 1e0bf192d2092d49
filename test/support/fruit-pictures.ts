import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Photographs of turning apples, where they lie beside the project. */
const APPLES = "../shared/data/dev/apples";
/** Rendered fruit, for elsewhere. */
const CROPS = new URL("../fixtures/crops/", import.meta.url).pathname;

/** Files of pictures of fruit that all have one size, some of each individual. */
export function fruitPictures(each: number): string[] {
  const folders = existsSync(APPLES)
    ? ["sound", "second", "reject"].flatMap((grade) =>
        readdirSync(join(APPLES, grade)).map((item) => join(APPLES, grade, item)),
      )
    : [CROPS];
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(jpg|crop\.png)$/.test(name))
      .slice(0, each)
      .map((name) => join(folder, name)),
  );
}
