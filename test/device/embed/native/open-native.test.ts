import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadForGood } from "../../../../device/base/ffi.ts";
import { type LoadedModel, loadModel } from "../../../../device/embed/model.ts";
import { Bound } from "../../../../device/embed/native/bound.ts";
import { Library } from "../../../../device/embed/native/library.ts";
import { type Copier, type Layout, takeHost, takeMemory } from "../../../../device/embed/native/memory.ts";
import { openNative } from "../../../../device/embed/native/open-native.ts";
import { Runner } from "../../../../device/embed/native/runner.ts";
import { packagedLibrary } from "../../../../device/embed/native/search.ts";
import { Session } from "../../../../device/embed/native/session.ts";
import type { NativeOptions } from "../../../../device/embed/native/unproven.ts";
import { NodeEmbedder } from "../../../../device/embed/node.ts";
import { compare } from "../../../../device/embed/proof.ts";
import { Child } from "../../../support/child.ts";
import { embedderContract, paintViews } from "../../../support/embedder-contract.ts";
import { tinyModel } from "../../../support/ort-onnx.ts";
import { ortWheel } from "../../../support/ort-wheel.ts";

const library = packagedLibrary()!;
const options: NativeOptions = { provider: "cpu", precision: "auto", threads: 1, maxBatch: 8, library };

async function plainSession(
  { bytes }: LoadedModel,
  dimensions: Readonly<Record<string, number>> = {},
): Promise<Session> {
  const setup = { bytes, threads: 1, appends: [], refuseCpu: false, recordNodes: false, dimensions };
  return await Session.create(await Library.load(library), setup);
}

embedderContract("the native backend with a tiny model", () => openNative(tinyModel(), { ...options, maxBatch: 7 }));

embedderContract("the native backend with the shipped model", () =>
  openNative("models/embedder.json", { ...options, threads: 2, maxBatch: 6 }),
);

test("native and node give the same bits at every batch size", async (t) => {
  const model = await loadModel("models/embedder.json");
  const node = await NodeEmbedder.open(model, { provider: "cpu", threads: 1, maxBatch: 5 });
  t.after(() => node.close());
  const native = await openNative(model, { ...options, maxBatch: 5 });
  t.after(() => native.close());
  for (let count = 1; count <= 5; count++) {
    const views = paintViews(count, model.model.sizePx);
    const outs = [node, native].map(() => new Float32Array(count * model.model.dimension));
    await Promise.all([node.embed(views, count, outs[0]!), native.embed(views, count, outs[1]!)]);
    assert.deepEqual(outs[1], outs[0], `batch of ${count}`);
  }
});

test("both tell how long the library ran, and how long it had nothing to do before", async (t) => {
  const node = await NodeEmbedder.open(tinyModel(), { provider: "cpu", threads: 1, maxBatch: 8 });
  t.after(() => node.close());
  const native = await openNative(tinyModel(), options);
  t.after(() => native.close());
  for (const embedder of [node, native]) {
    const embed = () => embedder.embed(paintViews(1, 8), 1, new Float32Array(5));
    const begun = performance.now();
    await embed();
    const ended = performance.now();
    while (performance.now() - ended < 5);
    const pause = performance.now() - ended;
    await embed();
    const all = performance.now() - begun;
    const { lastRunMs, lastIdleMs } = embedder;
    assert.ok(lastRunMs > 0 && lastIdleMs >= pause, `idle for ${lastIdleMs} ms, of a pause of ${pause}`);
    assert.ok(lastRunMs + lastIdleMs <= all, `${lastRunMs} and ${lastIdleMs} ms of ${all}`);
  }
});

test("two embedders at once do not mix their rows", async () => {
  const [narrow, wide] = await Promise.all([
    openNative(tinyModel({ dimension: 3 }), options),
    openNative(tinyModel({ dimension: 9 }), options),
  ]);
  const views = paintViews(8, 8);
  const alone = async (embedder: typeof narrow): Promise<Float32Array> => {
    const out = new Float32Array(8 * embedder.model.dimension);
    await embedder.embed(views, 8, out);
    return out;
  };
  const wanted = [await alone(narrow), await alone(wide)];
  const both = await Promise.all(Array.from({ length: 40 }, (_, i) => alone(i % 2 === 0 ? narrow : wide)));
  for (const [i, out] of both.entries()) assert.deepEqual(out, wanted[i % 2]);
  await narrow.close();
  assert.deepEqual(await alone(wide), wanted[1], "one goes on when the other is closed");
  await wide.close();
});

test("what the library says of a failed run comes back, and the next run works", async () => {
  const model = tinyModel({ twist: "fixed" });
  const session = await plainSession(model);
  const layout: Layout = { inputName: "views", outputName: "embedding", sizePx: 8, dimension: 5 };
  const memory = takeMemory(session, "cpu", layout, 2, takeHost(session, layout, 2, undefined, 0), undefined, 0);
  const out = new Float32Array(10);
  const runner = new Runner(session.library);
  await assert.rejects(new Bound(runner, session, layout, memory, 2).run(paintViews(2, 8), 2, out), {
    code: "INFERENCE",
    message: /ONNX Runtime 1\.\d+\.\d+ \(RunWithBinding\): Got invalid dimensions for output: embedding/,
  });
  await new Bound(runner, session, layout, memory, 1).run(paintViews(1, 8), 1, out);
  assert.ok(Math.abs(Math.hypot(...out.subarray(0, 5)) - 1) < 1e-6);
  await runner.close();
  await session.release();
});

test("a model that the library cannot read is the model's fault", async () => {
  const model = tinyModel();
  const cut = { ...model, bytes: model.bytes.slice(0, model.bytes.length >> 1) };
  await assert.rejects(openNative(cut, options), { code: "MODEL", message: /refuses the model: ONNX Runtime/ });
  const other = { ...model, model: { ...model.model, sizePx: 16 } };
  await assert.rejects(openNative(other, options), { code: "MODEL_SHAPE" });
});

test("memory on a device is bound once and filled by copies", async () => {
  // Host memory plays the device: the same allocators, tensors and binding, with memcpy for CUDA's copy.
  const copy = loadForGood("libc.so.6").func("void *memcpy(void *to, void *from, size_t bytes)");
  let copied = 0;
  const copier: Copier = {
    memory: "Cpu",
    pinned: "CudaPinned",
    toDevice: (to, from, bytes) => {
      copied += bytes;
      copy(to, from, bytes);
    },
    toHost: (to, from, bytes) => copy(to, from, bytes),
  };
  const model = tinyModel();
  const session = await plainSession(model, { N: 4 });
  assert.deepEqual(session.inputs[0]?.shape, [4, 8, 8, 3], "the batch size is fixed");
  const layout: Layout = { inputName: "views", outputName: "embedding", sizePx: 8, dimension: 5 };
  const runner = new Runner(session.library);
  const bound = new Bound(
    runner,
    session,
    layout,
    takeMemory(session, "cpu", layout, 4, takeHost(session, layout, 4, copier, 0), copier, 0),
    4,
  );
  const plain = await openNative(model, options);
  for (const count of [4, 1, 3]) {
    const views = paintViews(count, 8);
    const [found, wanted] = [new Float32Array(count * 5), new Float32Array(count * 5)];
    await bound.run(views, count, found);
    await plain.embed(views, count, wanted);
    const { difference } = compare(found, wanted, 5);
    assert.ok(difference < 1e-6, `${count} of 4: off by ${difference}`);
  }
  assert.equal(copied, 8 * 8 * 8 * 3, "no more than the views is copied");
  await plain.close();
  await runner.close();
  await session.release();
});

describe("the way to a GPU that is not there", () => {
  test("a wanted provider is refused with what is missing, never replaced", async () => {
    for (const provider of ["cuda", "tensorrt"] as const) {
      await assert.rejects(openNative(tinyModel(), { ...options, provider }), {
        code: "PROVIDER",
        message: new RegExp(`${provider} cannot be used: libonnxruntime_providers_shared\\.so, .* not beside`),
      });
    }
    await assert.rejects(openNative(tinyModel(), { ...options, provider: "gpu" }), {
      code: "PROVIDER",
      message: /gpu was asked for: tensorrt cannot be used.*cuda cannot be used/s,
    });
  });

  test("auto ends on the CPU and says what it tried", async () => {
    const embedder = await openNative(tinyModel(), { ...options, provider: "auto" });
    assert.equal(embedder.provider, "cpu");
    assert.deepEqual(
      embedder.proof.refused.map(({ provider }) => provider),
      ["tensorrt", "cuda"],
    );
    await embedder.close();
  });

  test("precision that the CPU does not make is refused by the provider that would have to", async () => {
    await assert.rejects(openNative(tinyModel(), { ...options, provider: "webgpu", precision: "fp16" }), {
      code: "PROVIDER",
      message: /precision fp16 .* webgpu/,
    });
  });
});

describe("in a process of its own", () => {
  const script = "test/support/ort-child.ts";

  for (const moment of ["at once", "turn", "second"]) {
    test(`leaving in the middle of a run neither crashes nor hangs: ${moment}`, async () => {
      const child = new Child(script, ["exit", moment]);
      await child.ended;
      assert.equal(child.process.exitCode, 7, `signal ${child.process.signalCode}`);
      assert.equal(child.said.at(-1)?.event, "exiting");
    });
  }

  test("the library stays when its JavaScript objects are collected", async () => {
    const child = new Child("--expose-gc", [script, "collect"]);
    await child.ended;
    assert.equal(child.process.exitCode, 0, `signal ${child.process.signalCode}`);
    assert.deepEqual(child.all("rows"), [{ event: "rows", same: true }]);
  });

  test("a thousand sessions opened and closed leave nothing behind", async () => {
    // With an arena of the allocator for each thread there ever was, the noise would be as large as what is looked for.
    const child = new Child("--expose-gc", [script, "grow", "1000"], ["env", "MALLOC_ARENA_MAX=2"]);
    await child.ended;
    const memory = child.all("memory") as unknown as { time: number; rss: number; files: number }[];
    const [start, end] = [memory.find(({ time }) => time === 300)!, memory.at(-1)!];
    assert.equal(end.time, 1000);
    assert.equal(end.files, start.files);
    // 700 sessions; one that stayed would take some hundred kilobytes, its threads and arenas included.
    assert.ok(end.rss - start.rss < 20e6, `${start.rss} bytes after 300 sessions, ${end.rss} after 1000`);
  });

  for (const [version, from] of [
    ["1.19.2", "profile"],
    ["1.24.1", "assignment"],
  ] as const) {
    test(`ONNX Runtime ${version} embeds the same, and its nodes are read from the ${from}`, async (t) => {
      const wheel = await ortWheel(version);
      if ("skip" in wheel) return t.skip(wheel.skip);
      const child = new Child(script, ["embed", wheel.folder]);
      await child.ended;
      const [said] = child.all("embedded") as unknown as { proof: Awaited<ReturnType<typeof openNative>>["proof"] }[];
      assert.ok(said !== undefined, "the golden embeddings hold");
      assert.equal(said.proof.library.version, version);
      assert.equal(said.proof.nodes?.from, from);
      assert.deepEqual(Object.keys(said.proof.nodes.counts), ["CPUExecutionProvider"]);
    });
  }
});
