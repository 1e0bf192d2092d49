import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadForGood } from "../../base/ffi.ts";
import type { TensorDescription } from "../node-worker.ts";
import { nodesByProfile } from "../profile.ts";
import type { Nodes } from "../proof.ts";
import type { Append } from "../providers.ts";
import { nodesByAssignment } from "./assignment.ts";
import type { Handle, Library } from "./library.ts";
import { structured } from "./provider-library.ts";
import type { FunctionName } from "./table.ts";
import { describeTensors } from "./tensors.ts";

export interface SessionSetup {
  readonly bytes: Uint8Array;
  readonly threads: number;
  readonly appends: readonly Append[];
  /** No node may run on the CPU. */
  readonly refuseCpu: boolean;
  /** Sizes given to free dimensions by name: the session then has fixed shapes. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Keep the data that tells which provider each node got. */
  readonly recordNodes: boolean;
}

const LOG_FATAL = 4;
const OPTIMISE_ALL = 99;

/** One session of the library, with what belongs to it; freed in the reverse order, once. */
export class Session {
  readonly library: Library;
  readonly handle: Handle;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly #owned: Owned;
  readonly #recorded: boolean;
  #profile: string | undefined;

  private constructor(library: Library, handle: Handle, owned: Owned, recorded: boolean, profile: string | undefined) {
    this.library = library;
    this.handle = handle;
    this.#owned = owned;
    this.#recorded = recorded;
    this.#profile = profile;
    this.inputs = describeTensors(library, handle, "Input");
    this.outputs = describeTensors(library, handle, "Output");
  }

  /**
   * Makes the session on a thread of the pool; an engine build may take minutes. When the process is told to exit
   * meanwhile, the build is cancelled.
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
      const assignment = library.has("Session_GetEpGraphAssignmentInfo");
      if (setup.recordNodes && assignment) {
        library.call("AddSessionConfigEntry", options, "session.record_ep_graph_assignment_info", "1");
      }
      // Also beside the assignment where it matters: providers that change the graph's layout are not wholly in that.
      if (setup.recordNodes && (setup.refuseCpu || !assignment)) {
        profile = await mkdtemp(join(tmpdir(), "gradeline-profile-"));
        library.call("EnableProfiling", options, join(profile, "nodes"));
      }
      const out = new BigUint64Array(1);
      const giveUp = (code: number): void => {
        if (profile !== undefined) rmSync(profile, { recursive: true, force: true });
        if (library.has("SessionOptionsSetLoadCancellationFlag")) {
          library.call("SessionOptionsSetLoadCancellationFlag", options, true);
        }
        // The build of an engine cannot be called off, and Node waits for its threads: minutes, on a board.
        if (setup.refuseCpu) loadForGood("libc.so.6").func("void _exit(int code)")(code);
      };
      process.once("exit", giveUp);
      try {
        await library.callLater("CreateSessionFromArray", library.env, setup.bytes, setup.bytes.length, options, out);
      } finally {
        process.off("exit", giveUp);
      }
      return new Session(library, owned.add(out[0]!, "ReleaseSession"), owned, setup.recordNodes, profile);
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

  /**
   * Which provider each node got: from the graph's assignment where the library keeps it (1.24 or newer), and from the
   * profile of the runs so far, which ends with this call. Neither is always whole: the profile lacks what did not
   * run, the assignment lacks nodes that a provider made while it changed the graph's layout.
   *
   * @returns the fuller one first; none where the session was not asked to record
   */
  async nodes(): Promise<Nodes[]> {
    const found: Nodes[] = [];
    if (this.#profile !== undefined) {
      const path = this.library.ownedText("SessionEndProfiling", this.handle);
      found.push({ counts: nodesByProfile(await readFile(path, "utf8")), from: "profile" });
      await this.#dropProfile();
    }
    if (this.#recorded && this.library.has("Session_GetEpGraphAssignmentInfo")) {
      found.push({ counts: nodesByAssignment(this.library, this.handle), from: "assignment" });
    }
    const total = ({ counts }: Nodes): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
    return found.filter((nodes) => total(nodes) > 0).sort((a, b) => total(b) - total(a));
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
