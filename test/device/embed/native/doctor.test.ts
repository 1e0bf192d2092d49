import assert from "node:assert/strict";
import { test } from "node:test";
import { advise, describeSurvey, type Survey, surveyNative } from "../../../../device/embed/native/doctor.ts";
import { packagedLibrary } from "../../../../device/embed/native/search.ts";

const library = {
  path: "/opt/ort/libonnxruntime.so",
  from: "known place",
  beside: ["cuda", "tensorrt"],
  version: "1.23.2",
  providers: ["tensorrt", "cuda", "cpu"],
  problem: undefined,
  refused: [],
} as const;
const whole: Omit<Survey, "advice"> = {
  libraries: [library],
  problem: undefined,
  pythonOnly: [],
  gpu: { name: "Orin", driver: "12.6", capability: "8.7" },
  gpuProblem: undefined,
  tensorrt: "100300",
};

test("the npm package's library is found with its version and what it was built with", async () => {
  const { libraries } = await surveyNative(packagedLibrary());
  assert.equal(libraries.length, 1);
  assert.match(libraries[0]!.version ?? "", /^1\.\d+\.\d+$/);
  assert.ok(libraries[0]!.providers.includes("cpu"));
  assert.equal(libraries[0]!.from, "configured");
});

test("a place that holds no library is said, not thrown", async () => {
  const survey = await surveyNative("/nowhere");
  assert.match(survey.problem ?? "", /embedder\.library names \/nowhere/);
  assert.match(describeSurvey(survey).join("\n"), /to do: correct embedder\.library/);
});

test("a board that has everything is told nothing to do", () => {
  assert.deepEqual(advise(whole, true), []);
});

test("what a board lacks is what it is told", () => {
  const cpuBuild = { ...library, beside: [], providers: ["cpu"] as const };
  assert.match(advise({ ...whole, libraries: [cpuBuild] }, true).join(), /no build of ONNX Runtime with CUDA/);
  assert.match(advise({ ...whole, tensorrt: undefined }, true).join(), /TensorRT is not installed/);
  const silent = { ...whole, gpu: undefined, gpuProblem: "cuInit answers 999" };
  assert.match(advise(silent, true).join(), /driver does not answer \(cuInit answers 999\)/);
  const bare = { ...silent, libraries: [cpuBuild] };
  assert.deepEqual(advise(bare, false), ["no NVIDIA GPU on this machine: provider cpu is what it can do"]);
  assert.match(advise({ ...whole, libraries: [] }, true)[0] ?? "", /install a build of ONNX Runtime/);
});

test("a GPU build whose libraries do not load is told what they miss", () => {
  const missing =
    "Failed to load library /x.so with error: libcublasLt.so.13: cannot open shared object file: No such file";
  const lame = { ...library, refused: [{ provider: "cuda", reason: missing }] as const };
  assert.match(
    advise({ ...whole, libraries: [lame] }, true).join(),
    /^cuda of .* it needs libcublasLt\.so\.13, which no/,
  );
  const old = {
    ...library,
    refused: [{ provider: "cuda", reason: "CUDA failure 35: driver version is insufficient" }] as const,
  };
  assert.match(advise({ ...whole, libraries: [old] }, true).join(), /cannot be used: CUDA failure 35/);
  assert.match(
    describeSurvey({ ...whole, libraries: [old], advice: [] }).join("\n"),
    /\ncuda cannot be used: CUDA failure 35/,
  );
});

test("a wheel that holds the Python module alone is told as such", () => {
  const cpuBuild = { ...library, beside: [], providers: ["cpu"] as const };
  const [first] = advise({ ...whole, libraries: [cpuBuild], pythonOnly: ["/usr/lib/python3/capi"] }, true);
  assert.match(first ?? "", /^\/usr\/lib\/python3\/capi: this wheel holds ONNX Runtime for Python alone/);
});

test("a GPU build without a GPU is no silent matter", () => {
  const gone = { ...whole, gpu: undefined, gpuProblem: "libcuda.so.1: not there" };
  assert.match(
    advise(gone, false).join(),
    /a GPU build of ONNX Runtime is here, an NVIDIA GPU is not \(libcuda\.so\.1/,
  );
});

test("a library that cannot be used is listed with its reason", () => {
  const broken = { ...library, version: undefined, providers: [], problem: "x.so is cut short" };
  const lines = describeSurvey({ ...whole, libraries: [broken], advice: [] });
  assert.deepEqual(lines, [
    "GPU: Orin, compute capability 8.7, driver for CUDA 12.6",
    "TensorRT: 100300",
    "ONNX Runtime: x.so is cut short (known place)",
  ]);
});
