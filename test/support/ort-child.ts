import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { Embedder } from "../../device/embed/embedder.ts";
import { loadModel } from "../../device/embed/model.ts";
import { Bound } from "../../device/embed/native/bound.ts";
import { Library } from "../../device/embed/native/library.ts";
import { takeHost, takeMemory } from "../../device/embed/native/memory.ts";
import { openNative } from "../../device/embed/native/open-native.ts";
import type { Progress } from "../../device/embed/native/progress.ts";
import { Runner } from "../../device/embed/native/runner.ts";
import { packagedLibrary } from "../../device/embed/native/search.ts";
import { Session } from "../../device/embed/native/session.ts";
import type { NativeOptions } from "../../device/embed/native/unproven.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { paintViews } from "./embedder-contract.ts";
import { tinyModel } from "./ort-onnx.ts";

/** What the native backend does in a process of its own: what ends a process, or needs another library or environment. */

const [what, argument, size = "64"] = process.argv.slice(2);

const options: NativeOptions = { provider: "cpu", precision: "auto", threads: 1, maxBatch: 8 };

function say(event: string, more: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
}

async function rows(embedder: Embedder, count: number): Promise<string> {
  const out = new Float32Array(count * embedder.model.dimension);
  await embedder.embed(paintViews(count, embedder.model.sizePx), count, out);
  return createHash("sha256").update(new Uint8Array(out.buffer)).digest("hex");
}

/** Ends while a batch of the shipped model runs, of as many views as take a while: at once, after a turn of the loop, or with a second one waiting. */
async function exitInTheMiddle(moment: string): Promise<void> {
  const count = Number(size);
  const embedder = await openNative("models/embedder.json", { ...options, maxBatch: count });
  const out = new Float32Array(count * embedder.model.dimension);
  const views = paintViews(count, embedder.model.sizePx);
  const run = (): Promise<void> => embedder.embed(views, count, out).finally(() => say("a run ended"));
  if (moment === "second") await run();
  void run().catch(() => {});
  if (moment === "second") void run().catch(() => {});
  if (moment !== "at once") await new Promise((resolve) => setImmediate(resolve));
  say("exiting");
  if (moment === "throw") throw new Error("on purpose");
  process.exit(7);
}

/** Opens, runs and closes; every tenth wholly, with its proof. Reports the memory that is in use after each hundred. */
async function openAndClose(times: number): Promise<void> {
  const model = tinyModel();
  const layout = { inputName: "views", outputName: "embedding", sizePx: 8, dimension: 5 };
  const library = await Library.load(packagedLibrary()!);
  const runner = new Runner(library);
  const out = new Float32Array(5);
  for (let time = 1; time <= times; time++) {
    if (time % 10 === 0) {
      await (await openNative(model, options)).close();
    } else {
      const { bytes } = model;
      const setup = { bytes, threads: 1, appends: [], refuseCpu: false, recordNodes: true };
      const session = await Session.create(library, setup);
      await new Bound(
        runner,
        session,
        layout,
        takeMemory(session, "cpu", layout, 8, takeHost(session, layout, 8, undefined, 0), undefined, 0),
        1,
      ).run(paintViews(1, 8), 1, out);
      await session.release();
    }
    if (time % 100 !== 0) continue;
    globalThis.gc?.();
    say("memory", { time, rss: process.memoryUsage.rss(), files: readdirSync("/proc/self/fd").length });
  }
  await runner.close();
}

/** The library must stay where it is when all that JavaScript knows of it has been collected. */
async function collect(): Promise<void> {
  const embedder = await openNative(tinyModel(), options);
  const first = await rows(embedder, 3);
  for (let time = 0; time < 20; time++) {
    globalThis.gc!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  say("rows", { same: (await rows(embedder, 3)) === first });
  await embedder.close();
}

async function embedWith(library: string): Promise<void> {
  const embedder = await openNative(await loadModel("models/embedder.json"), { ...options, library });
  say("embedded", { proof: embedder.proof, rows: await rows(embedder, 3) });
  await embedder.close();
}

/** The shipped model by both backends, over the one file of the library that the npm package holds. */
async function compareBackends(): Promise<void> {
  const model = await loadModel("models/embedder.json");
  const native = await openNative(model, { ...options, library: packagedLibrary()! });
  const node = await NodeEmbedder.open(model, { provider: "cpu", threads: 1, maxBatch: 8 });
  for (const count of [1, 3]) say("rows", { count, native: await rows(native, count), node: await rows(node, count) });
  await node.close();
  await native.close();
}

/** On whatever Vulkan driver the environment names. */
async function webgpu(twist: string): Promise<void> {
  const model = twist === "double" ? tinyModel({ twist: "double" }) : tinyModel();
  const golden = twist === "wrong" ? wrongGolden(model.model.sizePx, model.model.dimension) : model.golden;
  try {
    const embedder = await openNative({ ...model, golden }, { ...options, provider: "webgpu", batches: [1, 4] });
    say("proven", { proof: embedder.proof, rows: await rows(embedder, 3) });
    await embedder.close();
  } catch (error) {
    say("refused", { ...(error as object), message: (error as Error).message });
  }
}

/** Ends while the first TensorRT engine is built. */
async function exitInABuild(engineCache: string): Promise<void> {
  const tell = ({ stage, elapsedMs }: Progress): void => {
    if (stage !== "engine" || elapsedMs < 500) return;
    say("exiting");
    process.exit(7);
  };
  await openNative(tinyModel(), { ...options, provider: "tensorrt", batches: [1, 4], engineCache, tell });
  say("built");
}

function wrongGolden(sizePx: number, dimension: number): ReturnType<typeof tinyModel>["golden"] {
  const embeddings = new Float32Array(dimension).fill(1 / Math.sqrt(dimension));
  return { count: 1, views: paintViews(1, sizePx), embeddings, tolerance: 1e-4 };
}

const deeds: Readonly<Record<string, () => Promise<void>>> = {
  exit: () => exitInTheMiddle(argument!),
  grow: () => openAndClose(Number(argument)),
  collect,
  embed: () => embedWith(argument!),
  compare: compareBackends,
  engine: () => exitInABuild(argument!),
  webgpu: () => webgpu(argument!),
};

await deeds[what!]!();
