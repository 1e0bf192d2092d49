import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { nodesByProfile } from "./profile.ts";

/**
 * Owns one session of onnxruntime-node: `run` holds the JavaScript thread for the whole inference, so it has a thread
 * of its own. Buffers are transferred here and back, never copied.
 */

export interface NodeSetup {
  /** The bytes that were hashed are the bytes that are loaded. */
  readonly bytes: Uint8Array;
  readonly providers: readonly string[];
  /** No node may run on the CPU, and where each one runs is read back. */
  readonly refuseCpuFallback: boolean;
  readonly threads: number;
  readonly inputName: string;
  readonly outputName: string;
  readonly sizePx: number;
  readonly dimension: number;
}

export type ToNode =
  | {
      readonly kind: "run";
      readonly id: number;
      readonly count: number;
      readonly views: ArrayBuffer;
      readonly out: ArrayBuffer;
    }
  | { readonly kind: "close" };

export interface TensorDescription {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export type FromNode =
  | {
      readonly kind: "ready";
      /** Of the library. */
      readonly version: string;
      /** Nodes per provider in a profile of one run; undefined on the CPU. */
      readonly nodes: Readonly<Record<string, number>> | undefined;
      readonly inputs: readonly TensorDescription[];
      readonly outputs: readonly TensorDescription[];
    }
  | { readonly kind: "refused"; readonly message: string }
  | {
      readonly kind: "done";
      readonly id: number;
      /** How long the library took, milliseconds. */
      readonly ms: number;
      /** How long it had had nothing to do before, milliseconds. */
      readonly idleMs: number;
      readonly error: string | undefined;
      readonly views: ArrayBuffer;
      readonly out: ArrayBuffer;
    };

const port = parentPort!;
const setup = workerData as NodeSetup;

/** When the newest run ended. */
let ended = performance.now();

const profile = setup.refuseCpuFallback ? mkdtempSync(join(tmpdir(), "gradeline-profile-")) : undefined;

try {
  const session = await ort.InferenceSession.create(setup.bytes, {
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: join(profile, "nodes") }),
    executionProviders: [...setup.providers],
    intraOpNumThreads: setup.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // What goes wrong is thrown and told once, in our words.
    logSeverityLevel: 4,
    extra: {
      session: {
        // Between frames a spinning pool burns whole cores for nothing.
        intra_op: { allow_spinning: "0" },
        ...(setup.refuseCpuFallback ? { disable_cpu_ep_fallback: "1" } : {}),
      },
    },
  });
  post({
    kind: "ready",
    version: ort.env.versions.node ?? "unknown",
    nodes: profile === undefined ? undefined : await readNodes(session, profile),
    inputs: describe(session.inputMetadata),
    outputs: describe(session.outputMetadata),
  });
  serve(session);
} catch (error) {
  post({ kind: "refused", message: error instanceof Error ? error.message : String(error) });
  port.close();
} finally {
  if (profile !== undefined) rmSync(profile, { recursive: true, force: true });
}

/** Where the nodes of one run were: what did not run does not stand in a profile. */
async function readNodes(session: ort.InferenceSession, folder: string): Promise<Record<string, number>> {
  const { sizePx } = setup;
  const views = new ort.Tensor("uint8", new Uint8Array(sizePx * sizePx * 3), [1, sizePx, sizePx, 3]);
  await session.run({ [setup.inputName]: views });
  session.endProfiling();
  const [name] = readdirSync(folder);
  return name === undefined ? {} : nodesByProfile(readFileSync(join(folder, name), "utf8"));
}

function serve(session: ort.InferenceSession): void {
  // One run at a time, in order; `close` comes after the last.
  let last: Promise<void> = Promise.resolve();
  port.on("message", (message: ToNode) => {
    last = last.then(async () => {
      if (message.kind === "run") return await runBatch(session, message);
      await session.release();
      port.close();
    });
  });
}

async function runBatch(session: ort.InferenceSession, job: Extract<ToNode, { kind: "run" }>): Promise<void> {
  const { id, count, views, out } = job;
  const { sizePx, dimension } = setup;
  let failure: string | undefined;
  let ms = 0;
  let idleMs = 0;
  try {
    const input = new ort.Tensor("uint8", new Uint8Array(views, 0, count * sizePx * sizePx * 3), [
      count,
      sizePx,
      sizePx,
      3,
    ]);
    const output = new ort.Tensor("float32", new Float32Array(out, 0, count * dimension), [count, dimension]);
    const since = performance.now();
    idleMs = since - ended;
    await session.run({ [setup.inputName]: input }, { [setup.outputName]: output });
    ms = performance.now() - since;
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  ended = performance.now();
  post({ kind: "done", id, ms, idleMs, error: failure, views, out }, [views, out]);
}

function describe(metadata: readonly ort.InferenceSession.ValueMetadata[]): TensorDescription[] {
  return metadata.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, shape: [...value.shape] }
      : { name: value.name, type: "not a tensor", shape: [] },
  );
}

function post(message: FromNode, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
