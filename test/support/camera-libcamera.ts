import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { libyuvNeed } from "./camera-peers.ts";

const STAND_IN = new URL("./camera-libcamera-stand-in.ts", import.meta.url).pathname;

export const libcameraNeeds = [libyuvNeed];

/** Puts the stand-in under the programs' names into a folder of `folder`. @returns a search path with it */
export function installLibcamera(folder: string, family: "libcamera" | "rpicam"): string {
  const at = mkdtempSync(join(folder, `${family}-`));
  for (const program of ["vid", "still"]) {
    const line = `exec '${process.execPath}' '${STAND_IN}' ${program} "$@"`;
    writeFileSync(join(at, `${family}-${program}`), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  return `${at}:${process.env.PATH ?? ""}`;
}
