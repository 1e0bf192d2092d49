import { type LoadedModel, loadVariant } from "../../../device/embed/model.ts";
import type { NativeEmbedder } from "../../../device/embed/native/embedder.ts";
import { Library } from "../../../device/embed/native/library.ts";
import {
  embeddingShape,
  FLOAT32,
  type Layout,
  takeHost,
  takeMemory,
  UINT8,
  viewShape,
} from "../../../device/embed/native/memory.ts";
import { openNative } from "../../../device/embed/native/open-native.ts";
import { packagedLibrary } from "../../../device/embed/native/search.ts";
import { Session } from "../../../device/embed/native/session.ts";
import { NodeEmbedder, type NodeProvider } from "../../../device/embed/node.ts";
import { patternViews } from "../../../device/embed/proof.ts";
import { type Precision, type Provider, runningOn } from "../../../device/embed/providers.ts";
import { openHandOver } from "./hand-over.ts";

/** Batches under way at once, as the daemon keeps them. */
const IN_FLIGHT = 2;

/** One way to embed a batch, timed from call to result. */
export interface Contender {
  readonly backend: string;
  readonly precision: string;
  /** Calls under way at once for the throughput; one where the call holds this thread. */
  readonly inFlight: number;
  run(count: number, of: number): Promise<void> | void;
  /** How long the library itself took for the newest batch, milliseconds; undefined where nothing else is done. */
  libraryMs(): number | undefined;
  /** How long the library had nothing to do before the newest batch, milliseconds; only with two calls under way. */
  readonly idleMs?: () => number;
  close(): Promise<void>;
}

export function openers(model: LoadedModel, threads: number, maxBatch: number): [string, () => Promise<Contender>][] {
  const native = (provider: Provider, precision: Precision): [string, () => Promise<Contender>] => [
    `native ${provider} ${precision}`,
    async () =>
      contender(`native ${provider}`, precision, await openNative(model, { provider, precision, threads, maxBatch })),
  ];
  const node = (provider: NodeProvider, precision: Precision): [string, () => Promise<Contender>] => [
    `node ${provider} ${precision}`,
    async () => {
      const { variant } = runningOn(provider, precision);
      const loaded = variant === undefined ? model : await loadVariant(model, variant);
      return contender(`node ${provider}`, precision, await NodeEmbedder.open(loaded, { provider, threads, maxBatch }));
    },
  ];
  /** By batch: how long the library alone took last. */
  const took = new Map<number, number>();
  return [
    ["library alone, cpu", () => openBare(model, threads, maxBatch, took)],
    ["hand-over alone", async () => handOver(took)],
    native("cpu", "fp32"),
    node("cpu", "fp32"),
    native("cpu", "int8"),
    node("cpu", "int8"),
    native("cpu", "fp16"),
    ...(["tensorrt", "cuda"] as const).flatMap((provider) => [native(provider, "fp32"), native(provider, "fp16")]),
    node("cuda", "fp32"),
    node("cuda", "fp16"),
  ];
}

function contender(backend: string, precision: string, embedder: NativeEmbedder | NodeEmbedder): Contender {
  const { maxBatch, model } = embedder;
  const buffers = Array.from({ length: IN_FLIGHT }, () => {
    const pattern = patternViews(maxBatch, model.sizePx);
    // As the batcher does: what the embedder lends needs no copy.
    const lent = "lend" in embedder ? embedder.lend() : undefined;
    lent?.views.set(pattern);
    return lent ?? { views: pattern, out: new Float32Array(maxBatch * model.dimension) };
  });
  return {
    backend,
    precision,
    inFlight: IN_FLIGHT,
    run: (count, of) => embedder.embed(buffers[of]!.views, count, buffers[of]!.out),
    libraryMs: () => embedder.lastRunMs,
    idleMs: () => embedder.lastIdleMs,
    close: () => embedder.close(),
  };
}

/** Another thread that is busy for as long as the library and does nothing: what the machine takes to wake threads. */
function handOver(took: ReadonlyMap<number, number>): Contender {
  const thread = openHandOver();
  let busyMs = 0;
  return {
    backend: "hand-over alone",
    precision: "",
    inFlight: 1,
    run: async (count) => {
      busyMs = await thread.busy(took.get(count) ?? 0);
    },
    libraryMs: () => busyMs,
    close: () => thread.close(),
  };
}

/**
 * The library's own run, on this thread, over tensors that lie ready.
 *
 * @param took told how long it took, by batch
 */
async function openBare(
  model: LoadedModel,
  threads: number,
  maxBatch: number,
  took: Map<number, number>,
): Promise<Contender> {
  const library = await Library.load(packagedLibrary()!);
  const setup = { bytes: model.bytes, threads, appends: [], refuseCpu: false, recordNodes: false };
  const session = await Session.create(library, setup);
  const { sizePx, dimension } = model.model;
  const layout: Layout = { inputName: model.inputName, outputName: model.outputName, sizePx, dimension };
  const host = takeHost(session, layout, maxBatch, undefined, 0);
  const memory = takeMemory(session, "cpu", layout, maxBatch, host, undefined, 0);
  host.views.set(patternViews(maxBatch, sizePx));
  const tensor = (address: bigint, bytes: number, shape: BigInt64Array, type: number): bigint =>
    session.own(
      library.make("CreateTensorWithDataAsOrtValue", memory.info, address, bytes, shape, shape.length, type),
      "ReleaseValue",
    );
  const options = session.own(library.make("CreateRunOptions"), "ReleaseRunOptions");
  const bindings = new Map<number, bigint>();
  const bind = (count: number): bigint => {
    const binding = session.own(library.make("CreateIoBinding", session.handle), "ReleaseIoBinding");
    const input = tensor(memory.input, host.views.length, viewShape(layout, count), UINT8);
    const output = tensor(memory.output, host.embeddings.byteLength, embeddingShape(layout, count), FLOAT32);
    library.call("BindInput", binding, layout.inputName, input);
    library.call("BindOutput", binding, layout.outputName, output);
    bindings.set(count, binding);
    return binding;
  };
  return {
    backend: "library alone, cpu",
    precision: "fp32",
    inFlight: 1,
    run: (count) => {
      const binding = bindings.get(count) ?? bind(count);
      const since = performance.now();
      library.call("RunWithBinding", session.handle, options, binding);
      took.set(count, performance.now() - since);
    },
    libraryMs: () => undefined,
    close: () => session.release(),
  };
}
