import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../../device/base/version.ts";

/**
 * Builds the package of these sources.
 *
 * @param level of the compression; 1 is fast, undefined is as it is released
 * @returns its path
 */
export function buildPackage(out: string, arch: "amd64" | "arm64", level?: number): string {
  const how = ["--arch", arch, "--out", out, ...(level === undefined ? [] : ["--level", String(level)])];
  execFileSync(process.execPath, ["systemd/package/main.ts", ...how], { stdio: ["ignore", "ignore", "inherit"] });
  return join(out, `gradeline_${VERSION}_${arch}.deb`);
}

/**
 * Makes another version of a package.
 *
 * @param change what becomes of its `device/main.ts`
 * @returns its path
 */
export function otherVersion(deb: string, version: string, change: (main: string) => string = (main) => main): string {
  const work = mkdtempSync(join(tmpdir(), "gradeline-repack-"));
  try {
    execFileSync("dpkg-deb", ["-R", deb, work]);
    const home = join(work, "usr/lib/gradeline/package");
    const edit = (path: string, how: (text: string) => string): void => {
      if (!existsSync(path)) throw new Error(`the package has no ${path}`);
      writeFileSync(path, how(readFileSync(path, "utf8")));
    };
    edit(join(work, "DEBIAN/control"), (text) => text.replace(/^Version: .*/m, `Version: ${version}`));
    edit(join(home, "package.json"), (text) => text.replace(`"version": "${VERSION}"`, `"version": "${version}"`));
    edit(join(home, "BUILD"), () => `${version}-${version.replaceAll(".", "")}\n`);
    edit(join(home, "device/main.ts"), change);
    const made = deb.replace(VERSION, version);
    execFileSync("dpkg-deb", ["--root-owner-group", "-Znone", "--build", work, made], { stdio: "ignore" });
    return made;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
