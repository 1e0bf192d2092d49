import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("./gpio-stand-in/stand-in.c", import.meta.url));

/** Why a test of GPIO lines is skipped; false where the stand-in can be compiled. */
export const withoutCompiler: string | false =
  spawnSync("gcc", ["--version"]).status !== 0 && "needs apt-get install gcc libc6-dev";

/** Compiles what stands in for libgpiod 1 into a folder, for `LD_LIBRARY_PATH`. */
export function makeGpioStandIn(folder: string): void {
  const made = spawnSync("gcc", ["-shared", "-fPIC", "-O1", "-o", join(folder, "libgpiod.so.2"), SOURCE], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(made.stderr);
}
