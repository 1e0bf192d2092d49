import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { hasNvidiaGpu } from "../../../device/embed/nvidia.ts";
import { TINY } from "../../support/embedder-tiny.ts";
import { paintFolders, type Ran, runProgram } from "../../support/gallery-photos.ts";
import { GpuStandIn, withoutGpuStandIn } from "../../support/gpu-stand-in.ts";

const skip = hasNvidiaGpu() && "there is an NVIDIA GPU: these tests are about machines without one";

function engine(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["calibrate/main.ts", "engine", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("without TensorRT no engine is built, and all that is missing is named at once", { skip }, () => {
  const { status, stdout, stderr } = engine();
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(
    stderr,
    /^error: there are no TensorRT engines without TensorRT: no NVIDIA GPU answers \(libcuda\.so\.1: /,
  );
  assert.match(stderr, /no build of ONNX Runtime with TensorRT was found\nhint: .*provider cpu/);
});

test("the same for programs", { skip }, () => {
  const { status, stdout } = engine("--json", "--precision", "int8");
  assert.equal(status, 1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  assert.equal(error.code, "PROVIDER");
});

test("wrong use is told from what is missing", () => {
  assert.equal(engine("--precision", "fp8").status, 2);
  assert.equal(engine("--max-batch", "0").status, 2);
  const { status, stdout } = engine("--help");
  assert.equal(status, 0);
  assert.match(stdout, /Examples:\n {2}gradeline-calibrate engine --config/);
});

describe("with a stand-in for TensorRT", { skip: withoutGpuStandIn }, () => {
  let root: string;
  let gpu: GpuStandIn;
  before(() => {
    root = mkdtempSync(join(tmpdir(), "gradeline-engine-"));
    mkdirSync(join(root, "gpu"));
    gpu = GpuStandIn.build(join(root, "gpu"));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const environment = (more: Record<string, string> = {}) => ({ ...process.env, ...gpu.environment(more) });
  function calibrate(words: readonly string[], more: Record<string, string> = {}): Promise<Ran> {
    return runProgram("calibrate/main.ts", [...words, "--model", TINY], environment(more));
  }
  async function built(cache: string, ...args: string[]) {
    const { status, stdout, stderr } = await calibrate(["engine", "--cache", cache, "--json", ...args]);
    // On standard error stands, on a busy machine, what has taken longer than a second.
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  test("engines are built, proven and reported, and found the next time", async () => {
    const cache = join(root, "cache");
    const first = await built(cache, "--max-batch", "4");
    assert.deepEqual([first.built, first.reason], [true, null]);
    assert.deepEqual([first.proof.provider, first.proof.precision, first.proof.batches], ["tensorrt", "fp16", [1, 4]]);
    assert.ok(existsSync(join(first.folder, "manifest.json")));
    const second = await built(cache, "--max-batch", "4");
    assert.deepEqual([second.built, second.key], [false, first.key]);
    const third = await built(cache, "--max-batch", "4", "--rebuild");
    assert.deepEqual([third.built, third.reason], [true, "it was to be rebuilt"]);
    const { status, stdout } = await calibrate(["engine", "--cache", cache, "--max-batch", "4"]);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^engines for .*, batches of 1, 4: found in the cache, loaded in \d+ s\n {2}key {5}[0-9a-f]{24}/,
    );
    assert.match(stdout, /proof {3}tensorrt fp16 by ONNX Runtime .*; Stand-in, driver 12\.6; nodes .*engine .* cached/);
  });

  test("int8 takes its table from the gallery's own images", async () => {
    const [photos, gallery, cache] = [join(root, "photos"), join(root, "gallery"), join(root, "cache8")];
    await paintFolders(photos, { sound: 2, reject: 2 });
    for (const grade of ["sound", "reject"]) {
      const { status, stderr } = await calibrate(["enroll", grade, join(photos, grade), "--gallery", gallery]);
      assert.equal(status, 0, stderr);
    }
    const report = await built(cache, "--max-batch", "1", "--precision", "int8", "--gallery", gallery);
    assert.equal(report.calibrated.views, 12);
    assert.ok(report.calibrated.tensors > 0);
    assert.match(readFileSync(report.calibrated.path, "utf8"), /^TRT-\d+-\w+\n(?:\S+: [0-9a-f]{8}\n)+$/);
    assert.equal(report.proof.precision, "int8");
    assert.match(report.model.name, / tensorrt int8$/);
    assert.equal(globSync(join(cache, "*/batch-1/calibration.table")).length, 1);
  });

  test("while an engine is built its stage and the time it has taken are told, and Ctrl-C ends it", async () => {
    const cache = join(root, "cache-slow");
    const words = ["engine", "--cache", cache, "--max-batch", "1", "--model", TINY];
    const child = spawn(process.execPath, ["calibrate/main.ts", ...words], {
      env: environment({ STAND_IN_BUILD_MS: "600000" }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (lines.length === 1) child.kill("SIGINT");
    }
    assert.deepEqual(await exited, [130, null]);
    assert.match(lines[0]!, /^tensorrt engine for 1 views, 1 of 1, \d+ s$/);
    assert.match(lines[1]!, /^stopped; engines that were not finished are built again next time$/);
    const again = await built(cache, "--max-batch", "1");
    assert.equal(again.built, true);
    assert.match(again.reason, /no whole manifest/);
  });

  test("doctor tells the GPU, TensorRT and the library, and nothing to do", async () => {
    const { stdout } = await calibrate(["doctor"]);
    const provider = /^provider\n((?: .*\n)+)/m.exec(stdout)?.[1] ?? "";
    assert.match(provider, /ok +GPU: Stand-in, compute capability 8\.7, driver for CUDA 12\.6/);
    assert.match(provider, /ok +TensorRT: 100300/);
    assert.match(
      provider,
      /\(ORT_LIB_PATH\), built with tensorrt, cuda, cpu; provider libraries beside it: cuda, tensorrt/,
    );
    assert.doesNotMatch(provider, /to do|cannot be used/);
  });

  test("doctor tells what a GPU build lacks, and why the GPU cannot be used", async () => {
    const needed = { STAND_IN_NEEDS: "libcublasLt.so.99" };
    const { stdout } = await calibrate(["doctor"], needed);
    assert.match(stdout, /warning +cuda cannot be used: .*libcublasLt\.so\.99: cannot open shared object file/);
    assert.match(stdout, /warning .*\n +to do: cuda of .* cannot be used: it needs libcublasLt\.so\.99/);
    const broken = await calibrate(["doctor"], { STAND_IN_DRIVER_FAILS: "999" });
    assert.match(broken.stdout, /GPU: none \(libcuda\.so\.1: cuInit answers 999\)/);
    assert.match(broken.stdout, /warning .*\n +to do: a GPU build of ONNX Runtime is here, an NVIDIA GPU is not/);
    const refused = await calibrate(["engine"], needed);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^error: there are no TensorRT engines .*tensorrt: .*libcublasLt\.so\.99/);
  });
});
