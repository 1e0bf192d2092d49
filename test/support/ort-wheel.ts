import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = resolve("node_modules/.cache/gradeline-ort");
const PLATFORMS: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: "manylinux_2_28_x86_64",
  arm64: "manylinux_2_28_aarch64",
};

/**
 * Another release of ONNX Runtime: the library inside PyPI's wheel, downloaded once and kept under `node_modules`.
 *
 * @returns the folder with `libonnxruntime.so.VERSION`, or why it cannot be had here
 */
export async function ortWheel(version: string): Promise<{ readonly folder: string } | { readonly skip: string }> {
  const target = join(CACHE, version);
  const folder = join(target, "onnxruntime", "capi");
  if (existsSync(folder)) return { folder };
  const platform = PLATFORMS[process.arch];
  if (platform === undefined) return { skip: `no wheel of onnxruntime ${version} for ${process.arch}` };
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "work-"));
  try {
    await run("python3", ["-m", "venv", join(work, "venv")]);
    const wanted = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", platform];
    const pip = join(work, "venv", "bin", "python");
    const download = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", work];
    await run(pip, [...download, ...wanted, `onnxruntime==${version}`], { timeout: 120_000 });
    const wheel = (await readdir(work)).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error("pip brought no wheel");
    await run("python3", ["-m", "zipfile", "-e", join(work, wheel), join(work, "wheel")]);
    await rename(join(work, "wheel"), target);
    return { folder };
  } catch (error) {
    const reason = ((error as { stderr?: string }).stderr || (error as Error).message).trim().split("\n").at(-1);
    return { skip: `onnxruntime ${version} cannot be had from PyPI (python3-venv and a package index): ${reason}` };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
