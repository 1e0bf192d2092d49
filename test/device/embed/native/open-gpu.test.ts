import assert from "node:assert/strict";
import {
  globSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { GradelineError } from "../../../../device/base/errors.ts";
import { lockFolder } from "../../../../device/base/folder-lock.ts";
import { encodeTable, tablePath } from "../../../../device/embed/native/calibration.ts";
import { openNative } from "../../../../device/embed/native/open-native.ts";
import type { Progress } from "../../../../device/embed/native/progress.ts";
import type { NativeOptions } from "../../../../device/embed/native/unproven.ts";
import { Child } from "../../../support/child.ts";
import { embedderContract, paintViews } from "../../../support/embedder-contract.ts";
import { GpuStandIn, withoutGpuStandIn } from "../../../support/gpu-stand-in.ts";
import { tinyModel } from "../../../support/ort-onnx.ts";

const skip = withoutGpuStandIn;

/** What has no GPU to run on here: the way through engines, device memory and CUDA's calls, over a stand-in for them. */
describe("TensorRT and CUDA on a stand-in", { skip }, () => {
  let root: string;
  let gpu: GpuStandIn;
  let caches = 0;
  before(() => {
    root = mkdtempSync(join(tmpdir(), "gradeline-stand-in-"));
    mkdirSync(join(root, "gpu"));
    gpu = GpuStandIn.build(join(root, "gpu"));
    gpu.adopt();
  });
  after(() => rmSync(root, { recursive: true, force: true }));
  afterEach(() => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith("STAND_IN_") && name !== "STAND_IN_EVENTS") delete process.env[name];
    }
    gpu.events();
  });

  const freshCache = (): string => join(root, `cache-${caches++}`);
  const options = (more: Partial<NativeOptions> = {}): NativeOptions => ({
    provider: "tensorrt",
    precision: "auto",
    threads: 1,
    maxBatch: 6,
    batches: [1, 4],
    library: gpu.folder,
    engineCache: join(root, "cache"),
    ...more,
  });
  const open = (more: Partial<NativeOptions> = {}, model = tinyModel()) => openNative(model, options(more));
  /** Opens, takes the proof and closes. */
  async function prove(more: Partial<NativeOptions> = {}, model = tinyModel()) {
    const embedder = await open(more, model);
    await embedder.close();
    return embedder.proof;
  }
  const engines = (events: readonly string[]): string[] =>
    events.filter((event) => /^engine (built|read)/.test(event)).map((event) => event.split(" ")[1]!);

  for (const provider of ["tensorrt", "cuda"] as const) {
    embedderContract(`the native backend with ${provider}`, () => open({ provider, precision: "fp32" }));
    embedderContract(`the native backend with ${provider} and a captured graph`, () =>
      open({ provider, precision: "fp32", cudaGraph: true }),
    );
  }

  test("its proof says that the nodes ran there, in half precision, with engines that it built", async () => {
    const proof = await prove({ engineCache: freshCache() });
    assert.deepEqual([proof.provider, proof.precision, proof.fallbackRefused], ["tensorrt", "fp16", true]);
    assert.deepEqual(Object.keys(proof.nodes?.counts ?? {}), ["TensorrtExecutionProvider"]);
    assert.ok(proof.golden !== null && proof.golden.cosine > 0.999 && proof.golden.difference > 1e-5);
    assert.deepEqual([proof.engine?.cache, proof.engine?.reason], ["absent", null]);
    assert.deepEqual(proof.gpu, { name: "Stand-in", driver: "12.6", capability: "8.7" });
    assert.deepEqual(proof.batches, [1, 4, 6]);
    assert.ok(proof.cpuP50Ms !== null && proof.cpuP50Ms > 0);
    const events = gpu.events();
    assert.deepEqual(engines(events), ["built", "built", "built"]);
    assert.ok(events.includes("option tensorrt trt_fp16_enable=1") && events.includes("option cuda use_tf32=0"));
    assert.ok(events.includes("allocator pinned") && events.includes("allocator device"));
  });

  test("views go to the device and embeddings come back in one copy each, no more than there are", async () => {
    const embedder = await open({ precision: "fp32" });
    gpu.events();
    await embedder.embed(paintViews(3, 8), 3, new Float32Array(15));
    assert.deepEqual(gpu.events(), [`copy in ${3 * 8 * 8 * 3}`, `copy out ${3 * 5 * 4}`]);
    await embedder.close();
  });

  test("engines are found again by the next start, and none is built", async () => {
    const engineCache = freshCache();
    const first = await prove({ engineCache });
    gpu.events();
    const second = await prove({ engineCache });
    assert.deepEqual([second.engine?.cache, second.engine?.key], ["hit", first.engine?.key]);
    assert.deepEqual(engines(gpu.events()), ["read", "read", "read"]);
    const again = await prove({ engineCache, rebuildEngines: true });
    assert.deepEqual([again.engine?.cache, again.engine?.reason], ["torn", "it was to be rebuilt"]);
    assert.deepEqual(engines(gpu.events()), ["built", "built", "built"]);
  });

  for (const [what, name, value] of [
    ["TensorRT", "STAND_IN_TENSORRT", "100400"],
    ["driver", "STAND_IN_DRIVER", "13000"],
    ["GPU", "STAND_IN_GPU", "Other"],
  ] as const) {
    test(`another ${what} builds its own, and the old ones stay`, async () => {
      const engineCache = freshCache();
      const first = await prove({ engineCache });
      process.env[name] = value;
      const second = await prove({ engineCache });
      assert.equal(second.engine?.cache, "absent");
      assert.notEqual(second.engine?.key, first.engine?.key);
      delete process.env[name];
      assert.equal((await prove({ engineCache })).engine?.cache, "hit");
    });
  }

  test("engines that the library refuses, of a TensorRT exchanged under its old number, are built anew", async () => {
    const engineCache = freshCache();
    await prove({ engineCache });
    process.env.STAND_IN_TENSORRT_BUILD = "1";
    const { engine } = await prove({ engineCache });
    assert.deepEqual([engine?.cache, engine?.reason], ["torn", "the library refused the cached engine"]);
    assert.equal((await prove({ engineCache })).engine?.cache, "hit");
  });

  test("a torn engine never reaches the library", async () => {
    const engineCache = freshCache();
    await prove({ engineCache });
    const [path] = globSync(join(engineCache, "*/batch-4/*.engine"));
    writeFileSync(path!, readFileSync(path!).subarray(0, 9));
    gpu.events();
    const { engine } = await prove({ engineCache });
    assert.equal(engine?.cache, "torn");
    assert.match(engine?.reason ?? "", /batch-4.*\.engine is damaged/);
    assert.deepEqual(engines(gpu.events()), ["built", "built", "built"]);
  });

  test("a build that fails leaves nothing behind and says the library's reason", async () => {
    const engineCache = freshCache();
    process.env.STAND_IN_UNABLE = "Sqrt";
    await assert.rejects(prove({ engineCache }), {
      code: "PROVIDER",
      message: /tensorrt cannot be used: .*assigned to the default CPU EP, but fallback to CPU EP has been explicitly/,
    });
    assert.deepEqual(readdirSync(engineCache), ["lock"]);
    await assert.rejects(prove({ provider: "gpu", engineCache }), { message: /tensorrt cannot.*cuda cannot/ });
    const proof = await prove({ provider: "auto", engineCache });
    assert.equal(proof.provider, "cpu");
    assert.match(proof.degraded ?? "", /although there should be a GPU: tensorrt cannot be used/);
  });

  test("a GPU that computes something else is refused", async () => {
    process.env.STAND_IN_WRONG = "1";
    await assert.rejects(prove(), { code: "PROVIDER", message: /on tensorrt in fp16 the golden embeddings differ/ });
    await assert.rejects(prove({ provider: "cuda" }), { code: "PROVIDER", message: /on cuda in fp32 the golden/ });
  });

  test("a copy that fails is CUDA's error in our words, and the next call works", async () => {
    const embedder = await open({ precision: "fp32" });
    const out = new Float32Array(5);
    process.env.STAND_IN_COPY_FAILS = "1";
    await assert.rejects(embedder.embed(paintViews(1, 8), 1, out), {
      code: "INFERENCE",
      message: "CUDA: copying views failed: unspecified launch failure (719)",
    });
    delete process.env.STAND_IN_COPY_FAILS;
    await embedder.embed(paintViews(1, 8), 1, out);
    assert.ok(Math.abs(Math.hypot(...out) - 1) < 1e-3);
    await embedder.close();
  });

  test("memory that cannot be pinned is slower, not wrong", async () => {
    process.env.STAND_IN_NO_PINNED = "1";
    assert.equal((await prove()).provider, "tensorrt");
    assert.ok(!gpu.events().includes("allocator pinned"));
  });

  test("a GPU whose number is not there is refused", async () => {
    await assert.rejects(prove({ provider: "cuda", device: 1 }), {
      code: "PROVIDER",
      message: /invalid device ordinal/,
    });
  });

  test("eight bits want a table, take it, and are another model to a gallery", async () => {
    const engineCache = freshCache();
    await assert.rejects(prove({ engineCache, precision: "int8" }), { code: "PROVIDER", message: /no .*calibration-/ });
    const model = tinyModel();
    mkdirSync(engineCache, { recursive: true });
    writeFileSync(tablePath(engineCache, model.model.hash), encodeTable(new Map([["pixels", 255]])).text);
    const embedder = await open({ engineCache, precision: "int8" });
    await embedder.close();
    assert.equal(embedder.proof.precision, "int8");
    assert.notEqual(embedder.model.hash, model.model.hash);
    const told = gpu.events();
    assert.ok(told.includes("option tensorrt trt_int8_calibration_table_name=calibration.table"));
    assert.ok(globSync(join(engineCache, "*/batch-1/*_int8_*.engine")).length === 1);
    writeFileSync(tablePath(engineCache, model.model.hash), encodeTable(new Map([["pixels", 127]])).text);
    assert.equal((await prove({ engineCache, precision: "int8" })).engine?.cache, "absent", "another table");
  });

  test("opened and closed again and again it leaves no memory of the device behind", async () => {
    // The stand-in has room for 96 pieces of memory and ends the process beyond: each turn takes six.
    for (let time = 0; time < 20; time++) await prove();
  });

  test("progress tells each engine's size and how many there are", async () => {
    const told: Progress[] = [];
    await prove({ engineCache: freshCache(), tell: (progress) => told.push(progress) });
    const details = [...new Set(told.map(({ stage, detail }) => `${stage}: ${detail}`))];
    assert.deepEqual(details, [
      "engine: tensorrt engine for 1 views, 1 of 3",
      "engine: tensorrt engine for 4 views, 2 of 3",
      "engine: tensorrt engine for 6 views, 3 of 3",
      "proof: proof of tensorrt",
    ]);
  });

  test("what a provider needs is found in NVIDIA's wheels beside an installed one", async () => {
    const site = join(root, "site-packages");
    const capi = join(site, "onnxruntime", "capi");
    const nvidia = join(site, "nvidia", "cu13", "lib");
    for (const folder of [capi, nvidia]) mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(gpu.folder).filter((each) => each.startsWith("libonnxruntime"))) {
      // Not a symbolic link: a library is known by where it really lies.
      linkSync(join(gpu.folder, "libgradeline-stand-in.so"), join(capi, name));
    }
    const needed = "libgradeline-needed.so.13";
    process.env.STAND_IN_NEEDS = needed;
    await assert.rejects(prove({ provider: "cuda", library: capi }), {
      code: "PROVIDER",
      message: /cuda cannot be used: .*libgradeline-needed\.so\.13: cannot open shared object file/,
    });
    symlinkSync(gpu.emptyLibrary(needed), join(nvidia, needed));
    assert.equal((await prove({ provider: "cuda", library: capi })).provider, "cuda");
  });

  test("two who want engines at once do not build in each other's way", async () => {
    const engineCache = freshCache();
    const told: string[] = [];
    mkdirSync(engineCache);
    const held = lockFolder(engineCache, () => new GradelineError("FILE", "taken"));
    const waiting = prove({
      engineCache,
      tell: ({ detail }) => {
        if (told.at(-1) !== detail) told.push(detail);
        held.close();
      },
    });
    assert.equal((await waiting).engine?.cache, "absent");
    assert.equal(told[0], "waiting for another process that builds engines");
    gpu.events();
    const proofs = await Promise.all([
      prove({ engineCache: `${engineCache}-2` }),
      prove({ engineCache: `${engineCache}-2` }),
    ]);
    assert.deepEqual(proofs.map(({ engine }) => engine?.cache).sort(), ["absent", "hit"]);
    assert.deepEqual(engines(gpu.events()).sort(), ["built", "built", "built", "read", "read", "read"]);
  });

  test("leaving while an engine is built neither crashes nor hangs, and the next start builds it anew", async () => {
    const engineCache = freshCache();
    const environment = Object.entries(gpu.environment({ STAND_IN_BUILD_MS: "600000" })).map(([a, b]) => `${a}=${b}`);
    const temporary = join(root, "tmp");
    mkdirSync(temporary);
    const child = new Child(
      "test/support/ort-child.ts",
      ["engine", engineCache],
      ["env", `TMPDIR=${temporary}`, ...environment],
    );
    await child.ended;
    assert.deepEqual(readdirSync(temporary), []);
    assert.deepEqual([child.process.exitCode, child.process.signalCode], [7, null]);
    assert.equal(child.said.at(-1)?.event, "exiting");
    const { engine } = await prove({ engineCache, batches: [1, 4], maxBatch: 8 });
    assert.equal(engine?.cache, "torn");
    assert.match(engine?.reason ?? "", /no whole manifest/);
  });
});
