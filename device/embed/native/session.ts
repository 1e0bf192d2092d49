import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GradelineError } from "../../base/errors.ts";
import type { TensorDescription } from "../node-worker.ts";
import { nodesByAssignment, nodesByProfile } from "./assignment.ts";
import { type Handle, type Library, textAt } from "./library.ts";
import type { Append } from "./providers.ts";
import type { FunctionName } from "./table.ts";

export interface SessionSetup {
  readonly bytes: Uint8Array;
  readonly threads: number;
  readonly appends: readonly Append[];
  /** No node may run on the CPU. */
  readonly refuseCpu: boolean;
  /** Sizes given to free dimensions by name: the session then has fixed shapes. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Keep what is needed to tell which provider each node got. */
  readonly recordNodes: boolean;
}

const LOG_FATAL = 4;
const OPTIMISE_ALL = 99;
/** ONNXTensorElementDataType, as far as models here use it. */
const ELEMENTS: ReadonlyMap<number, string> = new Map([
  [1, "float32"],
  [2, "uint8"],
  [3, "int8"],
  [6, "int32"],
  [7, "int64"],
  [10, "float16"],
]);

/** Count of nodes per provider, by the library's names, and where that was read. */
export interface Nodes {
  readonly counts: Readonly<Record<string, number>>;
  readonly from: "assignment" | "profile";
}

/** One session of the library, with what belongs to it; freed in the reverse order, once. */
export class Session {
  readonly library: Library;
  readonly handle: Handle;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly #owned: Owned;
  #profile: string | undefined;

  private constructor(library: Library, handle: Handle, owned: Owned, profile: string | undefined) {
    this.library = library;
    this.handle = handle;
    this.#owned = owned;
    this.#profile = profile;
    this.inputs = describe(library, handle, "Input");
    this.outputs = describe(library, handle, "Output");
  }

  /**
   * Makes the session on a thread of the pool; an engine build may take minutes. When the process is told to exit
   * meanwhile, the library is told to give up.
   *
   * @throws {GradelineError} with the library's message
   */
  static async create(library: Library, setup: SessionSetup): Promise<Session> {
    const owned = new Owned(library);
    // The options are of no use to a session that exists; the providers' part of them is copied by the library.
    const optionsOwned = new Owned(library);
    let profile: string | undefined;
    try {
      const options = optionsOwned.add(library.make("CreateSessionOptions"), "ReleaseSessionOptions");
      configure(library, options, setup);
      for (const append of setup.appends) appendProvider(library, options, append);
      if (setup.recordNodes) {
        if (library.has("Session_GetEpGraphAssignmentInfo")) {
          library.call("AddSessionConfigEntry", options, "session.record_ep_graph_assignment_info", "1");
        }
        // Also where the assignment is recorded: providers that change the graph's layout are left out of it.
        profile = await mkdtemp(join(tmpdir(), "gradeline-profile-"));
        library.call("EnableProfiling", options, join(profile, "nodes"));
      }
      const out = new BigUint64Array(1);
      const giveUp = (): void => {
        if (library.has("SessionOptionsSetLoadCancellationFlag")) {
          library.call("SessionOptionsSetLoadCancellationFlag", options, true);
        }
      };
      process.once("exit", giveUp);
      try {
        await library.callLater("CreateSessionFromArray", library.env, setup.bytes, setup.bytes.length, options, out);
      } finally {
        process.off("exit", giveUp);
      }
      return new Session(library, owned.add(out[0]!, "ReleaseSession"), owned, profile);
    } catch (error) {
      owned.release();
      if (profile !== undefined) await rm(profile, { recursive: true, force: true });
      throw error;
    } finally {
      optionsOwned.release();
    }
  }

  /** Puts a handle among those that the session frees. */
  own(handle: Handle, release: FunctionName): Handle {
    return this.#owned.add(handle, release);
  }

  /** Runs a binding on a thread of the pool. When the process is told to exit meanwhile, the run is cut short. */
  async run(options: Handle, binding: Handle): Promise<void> {
    const giveUp = (): void => {
      this.library.call("RunOptionsSetTerminate", options);
    };
    process.once("exit", giveUp);
    try {
      await this.library.callLater("RunWithBinding", this.handle, options, binding);
    } finally {
      process.off("exit", giveUp);
    }
  }

  /**
   * Which provider each node got: from the graph's assignment, or, where the library does not keep it, from the
   * profile of the runs so far. The profile ends with this call.
   *
   * @returns undefined where the session was not asked to record it
   */
  async nodes(): Promise<Nodes | undefined> {
    if (this.#profile === undefined) return undefined;
    const path = this.library.ownedText("SessionEndProfiling", this.handle);
    const profile = await readFile(path, "utf8");
    await this.#dropProfile();
    if (this.library.has("Session_GetEpGraphAssignmentInfo")) {
      const counts = nodesByAssignment(this.library, this.handle);
      if (Object.keys(counts).length > 0) return { counts, from: "assignment" };
    }
    return { counts: nodesByProfile(profile), from: "profile" };
  }

  /** Frees everything. No run may be under way. */
  async release(): Promise<void> {
    this.#owned.release();
    await this.#dropProfile();
  }

  async #dropProfile(): Promise<void> {
    if (this.#profile !== undefined) await rm(this.#profile, { recursive: true, force: true });
    this.#profile = undefined;
  }
}

/** Handles and what frees them. */
class Owned {
  readonly #library: Library;
  readonly #handles: { readonly handle: Handle; readonly release: FunctionName }[] = [];

  constructor(library: Library) {
    this.#library = library;
  }

  add(handle: Handle, release: FunctionName): Handle {
    this.#handles.push({ handle, release });
    return handle;
  }

  release(): void {
    for (let last = this.#handles.pop(); last !== undefined; last = this.#handles.pop()) {
      this.#library.call(last.release, last.handle);
    }
  }
}

function configure(library: Library, options: Handle, setup: SessionSetup): void {
  library.call("SetSessionLogSeverityLevel", options, LOG_FATAL);
  library.call("SetSessionGraphOptimizationLevel", options, OPTIMISE_ALL);
  library.call("SetIntraOpNumThreads", options, setup.threads);
  library.call("SetInterOpNumThreads", options, 1);
  // Between frames a spinning pool burns whole cores for nothing.
  library.call("AddSessionConfigEntry", options, "session.intra_op.allow_spinning", "0");
  if (setup.refuseCpu) library.call("AddSessionConfigEntry", options, "session.disable_cpu_ep_fallback", "1");
  for (const [name, size] of Object.entries(setup.dimensions ?? {})) {
    library.call("AddFreeDimensionOverrideByName", options, name, size);
  }
}

const structured = {
  tensorrt: {
    create: "CreateTensorRTProviderOptions",
    update: "UpdateTensorRTProviderOptions",
    append: "SessionOptionsAppendExecutionProvider_TensorRT_V2",
    release: "ReleaseTensorRTProviderOptions",
  },
  cuda: {
    create: "CreateCUDAProviderOptions",
    update: "UpdateCUDAProviderOptions",
    append: "SessionOptionsAppendExecutionProvider_CUDA_V2",
    release: "ReleaseCUDAProviderOptions",
  },
} as const satisfies Record<string, Record<string, FunctionName>>;

function appendProvider(library: Library, session: Handle, { provider, options }: Append): void {
  const keys = Object.keys(options);
  const values = Object.values(options);
  if (provider === "cpu") return;
  if (provider === "webgpu") {
    library.call("SessionOptionsAppendExecutionProvider", session, "WebGPU", keys, values, keys.length);
    return;
  }
  const names = structured[provider];
  const owned = new Owned(library);
  try {
    const struct = owned.add(library.make(names.create), names.release);
    library.call(names.update, struct, keys, values, keys.length);
    library.call(names.append, session, struct);
  } finally {
    owned.release();
  }
}

function describe(library: Library, session: Handle, kind: "Input" | "Output"): TensorDescription[] {
  const count = Number(library.make(`SessionGet${kind}Count`, session));
  return Array.from({ length: count }, (_, at) => {
    const name = library.ownedText(`SessionGet${kind}Name`, session, at);
    const owned = new Owned(library);
    try {
      const type = owned.add(library.make(`SessionGet${kind}TypeInfo`, session, at), "ReleaseTypeInfo");
      const tensor = library.make("CastTypeInfoToTensorInfo", type);
      if (tensor === 0n) return { name, type: "not a tensor", shape: [] };
      return { name, ...describeTensor(library, tensor) };
    } finally {
      owned.release();
    }
  });
}

function describeTensor(library: Library, tensor: Handle): Pick<TensorDescription, "type" | "shape"> {
  const element = Number(library.make("GetTensorElementType", tensor) & 0xffff_ffffn);
  const rank = Number(library.make("GetDimensionsCount", tensor));
  const sizes = new BigInt64Array(rank);
  library.call("GetDimensions", tensor, sizes, rank);
  const symbols = new BigUint64Array(rank);
  library.call("GetSymbolicDimensions", tensor, symbols, rank);
  const shape = Array.from(sizes, (size, axis) => {
    const symbol = symbols[axis]!;
    const name = textAt(symbol);
    return size < 0n && name !== "" ? name : Number(size);
  });
  return { type: ELEMENTS.get(element) ?? `element type ${element}`, shape };
}

/** What a failure to make a session means to the one who asked. */
export function asRefusal(error: unknown, what: string): GradelineError {
  if (error instanceof GradelineError && error.code === "PROVIDER") return error;
  const message = error instanceof Error ? error.message : String(error);
  return new GradelineError("PROVIDER", `${what} was asked for and cannot be used: ${message}`, { cause: error });
}
