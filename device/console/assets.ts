import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { shortHash } from "../base/short-hash.ts";
import { inLanguage, type Language, readWords } from "./languages.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

export interface Assets {
  /** By their paths in the folder. */
  readonly files: ReadonlyMap<string, Asset>;
  /** Pages by file name, in each language. */
  readonly pages: ReadonlyMap<string, ReadonlyMap<Language, Buffer>>;
  /** Changes when any file does: an open page reloads itself after an update of the daemon. */
  readonly version: string;
}

/** Reads the files of the page, once; afterwards no request touches the file system. */
export async function readAssets(): Promise<Assets> {
  const folder = new URL("./page/", import.meta.url);
  const files = new Map<string, Asset>();
  const all = createHash("sha256");
  const pages = new Map<string, ReadonlyMap<Language, Buffer>>();
  const words = await readWords();
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(new URL(name, folder));
    const hash = createHash("sha256").update(body).digest("hex");
    all.update(name).update(hash);
    if (name.endsWith(".html")) {
      const html = body.toString("utf8");
      pages.set(name, new Map([...words].map(([tag, texts]) => [tag, Buffer.from(inLanguage(html, tag, texts))])));
    } else files.set(name, { type, body, etag: `"${shortHash(hash)}"` });
  }
  return { files, pages, version: shortHash(all.digest("hex")) };
}
