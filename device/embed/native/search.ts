import { existsSync, globSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { GradelineError } from "../../base/errors.ts";

/** A library that may be loaded, and why it is looked at. */
export interface Candidate {
  readonly path: string;
  readonly from: "configured" | "ORT_LIB_PATH" | "known place" | "onnxruntime-node";
  /** Provider libraries that lie beside it, by ONNX Runtime's short names: `cuda`, `tensorrt`. */
  readonly beside: readonly string[];
}

export interface Places {
  /** `embedder.library`: a file, or the folder that holds `libonnxruntime.so`. */
  readonly configured?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folders, with `*`, in which builds of the library are known to lie. */
  readonly known: readonly string[];
}

const TRIPLES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};

/** What to do with a wheel of ONNX Runtime that holds its Python module alone. */
export const PYTHON_ONLY =
  "this wheel holds ONNX Runtime for Python alone: take one of 1.19 or newer, or build it with --build_shared_lib";

/** Where boards keep the library: folders of installed wheels, the system's library folders, `/opt`. */
export function knownPlaces(environment: Readonly<Record<string, string | undefined>>): string[] {
  const prefixes = [environment.VIRTUAL_ENV, environment.CONDA_PREFIX, "/usr/local", "/usr", join(homedir(), ".local")];
  const triple = TRIPLES[process.arch];
  return [
    ...prefixes
      .filter((prefix) => prefix !== undefined && prefix !== "")
      .flatMap((prefix) => [
        `${prefix}/lib/python3*/dist-packages/onnxruntime/capi`,
        `${prefix}/lib/python3*/site-packages/onnxruntime/capi`,
      ]),
    "/opt/onnxruntime*",
    "/opt/onnxruntime*/lib",
    "/opt/onnxruntime*/build/Linux/Release",
    "/opt/*/lib/python3*/site-packages/onnxruntime/capi",
    "/usr/local/lib",
    ...(triple === undefined ? [] : [`/usr/lib/${triple}`]),
    "/usr/lib",
  ];
}

/**
 * Libraries in the order in which they are tried. One that was named, in the configuration or in `ORT_LIB_PATH`, is
 * the only one: a person who named it wants that or an error. Else known places, those with GPU providers beside
 * the library first, and last the build for the CPU that the npm package holds.
 *
 * @throws {GradelineError} PROVIDER when the place that was named holds no library, or none was found at all
 */
export function findLibraries(places: Places): Candidate[] {
  const named = places.configured ?? (places.environment.ORT_LIB_PATH || undefined);
  if (named !== undefined) {
    const from = places.configured === undefined ? "ORT_LIB_PATH" : "configured";
    const path = libraryIn(named);
    if (path === undefined) {
      throw new GradelineError("PROVIDER", `${describe(from)} names ${named}, where no libonnxruntime.so lies`, {
        hint: hasModule(named) ? PYTHON_ONLY : "name the file, or the folder that holds it",
      });
    }
    return [candidate(path, from)];
  }
  const found = places.known
    .flatMap((pattern) => globSync(pattern))
    .map((folder) => libraryIn(folder))
    .filter((path) => path !== undefined)
    .map((path) => candidate(path, "known place"))
    .sort((a, b) => Number(b.beside.length > 0) - Number(a.beside.length > 0));
  const packaged = packagedLibrary();
  if (packaged !== undefined) found.push(candidate(packaged, "onnxruntime-node"));
  if (found.length === 0) {
    throw new GradelineError("PROVIDER", `no libonnxruntime.so found in ${places.known.join(", ")}`, {
      hint: "install a build of ONNX Runtime for this board and name its folder in embedder.library",
    });
  }
  return found;
}

/**
 * Folders with the Python module of ONNX Runtime alone, which holds the library without its C API: wheels before 1.19, and
 * those that were built without `--build_shared_lib`.
 */
export function pythonModulesAlone(known: readonly string[]): string[] {
  return known
    .flatMap((pattern) => globSync(pattern))
    .filter((folder) => libraryIn(folder) === undefined && hasModule(folder));
}

function hasModule(folder: string): boolean {
  return globSync("onnxruntime_pybind11_state*.so", { cwd: folder }).length > 0;
}

/**
 * Whether this machine asks for the C API: a library was named, or a build with GPU providers lies in a known place.
 * Elsewhere the npm package does the same by itself.
 */
export function prefersNative(places: Places): boolean {
  if (places.configured !== undefined || places.environment.ORT_LIB_PATH) return true;
  return places.known
    .flatMap((pattern) => globSync(pattern))
    .map((folder) => libraryIn(folder))
    .some((path) => path !== undefined && hasGpuProviders(path));
}

function describe(from: Candidate["from"]): string {
  return from === "configured" ? "embedder.library" : from;
}

function candidate(path: string, from: Candidate["from"]): Candidate {
  return { path, from, beside: providersBeside(path) };
}

/** Whether libraries of GPU providers lie beside a library of ONNX Runtime. */
export function hasGpuProviders(path: string): boolean {
  return providersBeside(path).length > 0;
}

function providersBeside(path: string): string[] {
  const folder = dirname(path);
  return ["cuda", "tensorrt"].filter((name) => existsSync(join(folder, `libonnxruntime_providers_${name}.so`)));
}

/** The library itself, or the newest in a folder; undefined where there is none. */
function libraryIn(place: string): string | undefined {
  if (!(statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false)) {
    return existsSync(place) ? place : undefined;
  }
  const names = globSync("libonnxruntime.so*", { cwd: place }).filter((name) => /\.so(\.\d+)*$/.test(name));
  // The plain name is a link to what the package means; without it, the longest version says most.
  const name = names.includes("libonnxruntime.so") ? "libonnxruntime.so" : names.sort(byVersion).at(-1);
  return name === undefined ? undefined : join(place, name);
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** The very file that onnxruntime-node loads. */
export function packagedLibrary(): string | undefined {
  try {
    const root = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
    return libraryIn(globSync(join(root, "bin", "napi-v*", process.platform, process.arch)).at(-1) ?? "/nowhere");
  } catch {
    return undefined;
  }
}
