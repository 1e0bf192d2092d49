import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";

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
  /** By file name. */
  readonly files: ReadonlyMap<string, Asset>;
  /** Changes when any file does: an open page reloads itself after an update of the daemon. */
  readonly version: string;
}

/** Reads the files of the page, once; afterwards no request touches the file system. */
export async function readAssets(): Promise<Assets> {
  const folder = new URL("./page/", import.meta.url);
  const files = new Map<string, Asset>();
  const all = createHash("sha256");
  for (const name of (await readdir(folder)).sort()) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(new URL(name, folder));
    const hash = createHash("sha256").update(body).digest("hex");
    all.update(name).update(hash);
    files.set(name, { type, body, etag: `"${hash.slice(0, 16)}"` });
  }
  return { files, version: all.digest("hex").slice(0, 16) };
}
