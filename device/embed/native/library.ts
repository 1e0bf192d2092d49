import { realpathSync } from "node:fs";
import koffi from "koffi";
import { type ErrorCode, GradelineError } from "../../base/errors.ts";
import { loadForGood, stackProblem } from "../../base/ffi.ts";
import { forbidTelemetry } from "../telemetry.ts";
import { checkLibraryFile } from "./elf.ts";
import { type Entry, type FunctionName, lastPlaces, NEWEST_API, OLDEST_API, table } from "./table.ts";

/** An address inside the library. */
export type Handle = bigint;
/** Pointers, numbers and texts; a typed array is passed in place. */
export type Argument = Handle | number | boolean | string | ArrayBufferView | readonly string[] | null;
export type NativeFunction = ReturnType<ReturnType<typeof koffi.load>["func"]>;

/** OrtErrorCode: the file is no model that the library can read. */
const MODEL_CODES: ReadonlySet<number> = new Set([7, 10]);
const LOG_FATAL = 4;

/** A failure that the library reported. */
export class LibraryError extends GradelineError {
  /** Whether the library says that the model itself is at fault. */
  readonly ofModel: boolean;

  constructor(code: ErrorCode, message: string, ofModel: boolean) {
    super(code, message);
    this.ofModel = ofModel;
  }
}

/**
 * Libraries stay loaded: unloading one whose providers hold a GPU is not safe, and its environment is one per process
 * by the library's own design. So this map mirrors what the process holds anyway.
 */
const loaded = new Map<string, Promise<Library>>();

/** One loaded ONNX Runtime: its table of functions and its environment. */
export class Library {
  readonly path: string;
  /** As the library says it, e.g. `1.30.0`. */
  readonly version: string;
  /** Version of the table that both sides know. */
  readonly apiVersion: number;
  readonly env: Handle;
  /** Providers that were compiled in, e.g. `CPUExecutionProvider`; their own libraries may still be absent. */
  readonly providers: readonly string[];
  readonly #addresses: BigUint64Array;
  readonly #functions: ReadonlyMap<FunctionName, NativeFunction>;

  private constructor(path: string, version: string, apiVersion: number, addresses: BigUint64Array) {
    this.path = path;
    this.version = version;
    this.apiVersion = apiVersion;
    this.#addresses = addresses;
    this.#functions = readTable(addresses, apiVersion);
    this.env = this.make("CreateEnv", LOG_FATAL, "gradeline");
    this.providers = readProviders(this);
  }

  /**
   * @param path of a `libonnxruntime.so`
   * @throws {GradelineError} PROVIDER when it is missing, cut short, made for another processor, not ONNX Runtime, or
   *   older than what is spoken here
   */
  static async load(path: string): Promise<Library> {
    const problem = stackProblem();
    if (problem !== undefined) {
      throw new GradelineError("INTERNAL", `calls of the inference library would have too little stack: ${problem}`, {
        hint: "import device/embed before anything that loads a library through koffi",
      });
    }
    await checkLibraryFile(path);
    const real = realpathSync(path);
    let library = loaded.get(real);
    if (library === undefined) {
      library = Promise.resolve().then(() => Library.#load(real));
      loaded.set(real, library);
      library.catch(() => loaded.delete(real));
    }
    return await library;
  }

  static #load(path: string): Library {
    forbidTelemetry();
    const opened = openLibrary(path);
    const base = opened() as Handle;
    const [getApi, getVersion] = koffi.decode(base, koffi.array("void *", 2)) as [Handle, Handle];
    const version = koffi.decode(getVersion, koffi.proto("const char *", []))() as string;
    const apiVersion = negotiate(path, version);
    const api = koffi.decode(getApi, koffi.proto("void *", ["uint32_t"]))(apiVersion) as Handle | null;
    if (api === null) throw unusable(path, `ONNX Runtime ${version} does not serve its API version ${apiVersion}`);
    return new Library(path, version, apiVersion, new BigUint64Array(koffi.view(api, placesOf(apiVersion) * 8)));
  }

  /** Whether the function came with the version that was agreed on. */
  has(name: FunctionName): boolean {
    return this.#functions.has(name);
  }

  /** Where a function lies, for another thread. */
  address(name: FunctionName): Handle {
    return this.#addresses[table[name].index]!;
  }

  /** What a status that another thread got means. */
  failure(name: FunctionName, code: number, message: string): LibraryError {
    const text = `ONNX Runtime ${this.version} (${name}): ${plainMessage(message)}`;
    return new LibraryError("INFERENCE", text, MODEL_CODES.has(code));
  }

  /** Calls a function; a status other than null is thrown with the library's message. */
  call(name: FunctionName, ...args: Argument[]): unknown {
    const result: unknown = this.#function(name)(...args);
    if (table[name].returns === "status" && result !== null) throw this.#failure(name, result as Handle);
    return result;
  }

  /** The same on a thread of libuv's pool. */
  callLater(name: FunctionName, ...args: Argument[]): Promise<void> {
    const called = this.#function(name);
    return new Promise((resolve, reject) => {
      called.async(...args, (error: unknown, status: Handle | null) => {
        if (error) reject(error);
        else if (status !== null) reject(this.#failure(name, status));
        else resolve();
      });
    });
  }

  /** Calls a function whose last argument receives a pointer, and returns that pointer. */
  make(name: FunctionName, ...args: Argument[]): Handle {
    const out = new BigUint64Array(1);
    this.call(name, ...args, out);
    return out[0]!;
  }

  /** Like `make`, where the pointer is a text that the library keeps. */
  text(name: FunctionName, ...args: Argument[]): string {
    return textAt(this.make(name, ...args));
  }

  /** Like `make`, where the pointer is a text that the default allocator gave and takes back. */
  ownedText(name: FunctionName, ...args: Argument[]): string {
    const allocator = this.make("GetAllocatorWithDefaultOptions");
    const address = this.make(name, ...args, allocator);
    try {
      return textAt(address);
    } finally {
      this.call("AllocatorFree", allocator, address);
    }
  }

  #function(name: FunctionName): NativeFunction {
    const found = this.#functions.get(name);
    if (found === undefined) {
      throw new GradelineError(
        "PROVIDER",
        `ONNX Runtime ${this.version} has no ${name}, API ${table[name].since} has`,
        {
          hint: `install ONNX Runtime 1.${table[name].since} or newer`,
        },
      );
    }
    return found;
  }

  #failure(name: FunctionName, status: Handle): LibraryError {
    const code = this.#function("GetErrorCode")(status) as number;
    const message = this.#function("GetErrorMessage")(status) as string;
    this.#function("ReleaseStatus")(status);
    return this.failure(name, code, message);
  }
}

/**
 * The table's version that both sides know: a library serves all versions up to its own minor number.
 *
 * @throws {GradelineError} PROVIDER for a library that is too old or of a new generation
 */
export function negotiate(path: string, version: string): number {
  const [major, minor] = version.split(".").map(Number);
  if (major !== 1 || minor === undefined || !Number.isInteger(minor) || minor < OLDEST_API) {
    throw unusable(path, `it is ONNX Runtime ${version}, wanted 1.${OLDEST_API} or newer`);
  }
  return Math.min(minor, NEWEST_API);
}

/** Places in the table that a version has. */
export function placesOf(apiVersion: number): number {
  const versions = [...lastPlaces.keys()].filter((candidate) => candidate <= apiVersion);
  return lastPlaces.get(Math.max(...versions))! + 1;
}

function openLibrary(path: string): NativeFunction {
  try {
    return loadForGood(path).func("OrtGetApiBase", "void *", []);
  } catch (error) {
    throw unusable(path, (error as Error).message, error);
  }
}

function readTable(addresses: BigUint64Array, apiVersion: number): Map<FunctionName, NativeFunction> {
  const functions = new Map<FunctionName, NativeFunction>();
  for (const [name, entry] of Object.entries(table) as [FunctionName, Entry][]) {
    if (entry.since > apiVersion) continue;
    functions.set(name, functionAt(addresses[entry.index]!, entry));
  }
  return functions;
}

function readProviders(library: Library): string[] {
  const length = new Int32Array(1);
  const out = new BigUint64Array(1);
  library.call("GetAvailableProviders", out, length);
  const addresses = [...new BigUint64Array(koffi.view(out[0], length[0]! * 8))];
  const names = addresses.map(textAt);
  library.call("ReleaseAvailableProviders", out[0]!, length[0]!);
  return names;
}

/** The function at an address of the library's, callable from the thread that asks. */
export function functionAt(address: Handle, entry: Entry): NativeFunction {
  return koffi.decode(address, koffi.proto(resultType(entry), [...entry.takes])) as NativeFunction;
}

function resultType(entry: Entry): string {
  return { status: "void *", void: "void", string: "const char *", int: "int" }[entry.returns];
}

/** The library's message without file names and lines of its own sources. */
export function plainMessage(message: string): string {
  return message
    .replace(/(^|\s)\/\S+\.(?:cc|h|cpp|hpp|cu|cuh):\d+ .*?\)(?:::<lambda\([^)]*\)>)?(?: const)? /g, "$1")
    .replace(/(^|\s)\w+\.(?:cc|h):\d+ \w+ /g, "$1")
    .replace(/\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /g, "")
    .replace(/\[with [^\]]*\] /g, "")
    .replace(/ ; GPU=-?\d+ ; hostname=\S* ; file=\S* ; line=\d+ ; expr=([^;]*);?/g, " ($1)")
    .replace(/\s+/g, " ")
    .trim();
}

/** A text at an address that the library gave; empty where there is none. */
export function textAt(address: Handle): string {
  return address === 0n ? "" : (koffi.decode.string(address) ?? "");
}

function unusable(path: string, problem: string, cause?: unknown): GradelineError {
  return new GradelineError("PROVIDER", `${path} is not a usable inference library: ${problem}`, {
    hint: "name the libonnxruntime.so of this board's ONNX Runtime in embedder.library",
    cause,
  });
}
