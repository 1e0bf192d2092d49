import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadForGood } from "../../device/base/ffi.ts";
import { packagedLibrary } from "../../device/embed/native/search.ts";

const SOURCE = "test/support/gpu-stand-in/stand-in.c";
const LIBRARY = "libgradeline-stand-in.so";
/** What a GPU build consists of, beside the library itself. */
const PROVIDERS = ["shared", "cuda", "tensorrt"].map((name) => `libonnxruntime_providers_${name}.so`);
/** What NVIDIA brings, by the names that the loader knows it by. */
const SYSTEM = ["libcudart.so.13", "libcuda.so.1", "libnvinfer.so.10"];

/** Why there can be none here. */
export const withoutGpuStandIn: string | false =
  spawnSync("cc", ["--version"]).status === 0
    ? false
    : "no C compiler for the GPU stand-in: install the packages gcc and libc6-dev";

/** Compiles a shared library whose name for the loader is its file's. */
function cc(folder: string, name: string, ...args: string[]): void {
  execFileSync("cc", ["-shared", "-fPIC", `-Wl,-soname,${name}`, "-o", name, ...args], { cwd: folder });
}

/**
 * A GPU build of ONNX Runtime for machines without a GPU, compiled from `gpu-stand-in/stand-in.c`, which says what it
 * does and what it does not show.
 */
export class GpuStandIn {
  readonly folder: string;
  readonly #events: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#events = join(folder, "events");
  }

  /** @param folder an empty one; who made it removes it */
  static build(folder: string): GpuStandIn {
    const warnings = ["-Wall", "-Wextra", "-Werror"];
    cc(folder, LIBRARY, "-O1", ...warnings, resolve(SOURCE), "-ldl", "-lpthread");
    // Each of these is empty and needs the one library, where the functions are found.
    writeFileSync(join(folder, "empty.c"), "");
    for (const name of SYSTEM) cc(folder, name, "-Wl,--no-as-needed,-rpath,$ORIGIN", "empty.c", `./${LIBRARY}`);
    for (const name of ["libonnxruntime.so", ...PROVIDERS]) symlinkSync(LIBRARY, join(folder, name));
    return new GpuStandIn(folder);
  }

  /** Gives this process that GPU, too; it is never taken away again. */
  adopt(): void {
    Object.assign(process.env, { GRADELINE_REAL_ONNXRUNTIME: packagedLibrary()!, STAND_IN_EVENTS: this.#events });
    for (const name of SYSTEM) loadForGood(join(this.folder, name));
  }

  /** A library that does nothing, under a name of its own; returns its path. */
  emptyLibrary(name: string): string {
    const folder = join(this.folder, "empty");
    mkdirSync(folder, { recursive: true });
    cc(folder, name, "../empty.c");
    return join(folder, name);
  }

  /** For a process that shall have that GPU. */
  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      LD_LIBRARY_PATH: this.folder,
      ORT_LIB_PATH: this.folder,
      GRADELINE_REAL_ONNXRUNTIME: packagedLibrary()!,
      STAND_IN_EVENTS: this.#events,
      ...more,
    };
  }

  /** Lines of what it did since the last call. */
  events(): string[] {
    try {
      return readFileSync(this.#events, "utf8").trimEnd().split("\n");
    } catch {
      return [];
    } finally {
      rmSync(this.#events, { force: true });
    }
  }
}
