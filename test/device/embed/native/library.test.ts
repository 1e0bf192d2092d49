import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { Library, negotiate, plainMessage } from "../../../../device/embed/native/library.ts";
import { openNative } from "../../../../device/embed/native/open-native.ts";
import {
  findLibraries,
  packagedLibrary,
  prefersNative,
  pythonModulesAlone,
} from "../../../../device/embed/native/search.ts";
import { tinyModel } from "../../../support/ort-onnx.ts";

const folder = mkdtempSync(join(tmpdir(), "gradeline-library-"));
after(() => rmSync(folder, { recursive: true }));
const packaged = packagedLibrary()!;

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

async function refusal(path: string): Promise<string> {
  const error = await Library.load(path).then(
    () => assert.fail(`${path} was loaded`),
    (reason: unknown) => reason as { code: string; message: string; hint: string },
  );
  assert.equal(error.code, "PROVIDER");
  assert.ok(error.hint.length > 0);
  return error.message;
}

describe("a library that cannot be used is refused before it can do harm", () => {
  test("missing", async () => {
    assert.match(await refusal(join(folder, "libonnxruntime.so")), /cannot be read: ENOENT/);
  });

  test("a folder where a file was meant", async () => {
    assert.match(await refusal(folder), /no regular file/);
  });

  test("cut short, wherever", async () => {
    const whole = readFileSync(packaged);
    assert.match(await refusal(file("empty.so", "")), /it has 0 bytes/);
    assert.match(await refusal(file("head.so", whole.subarray(0, 40))), /it has 40 bytes/);
    for (const length of [64, 4096, whole.length >> 1, whole.length - 1]) {
      assert.match(await refusal(file(`cut-${length}.so`, whole.subarray(0, length))), /cut short: \d+ bytes, .*want/);
    }
  });

  test("no library at all", async () => {
    assert.match(await refusal(file("text.so", "x".repeat(100))), /no ELF file/);
  });

  test("a program", async () => {
    // Node itself: a program, or a shared object that has no such function.
    assert.match(await refusal(process.execPath), /no shared library|OrtGetApiBase|cannot dynamically load/);
  });

  test("made for another processor", async () => {
    const other = process.arch === "x64" ? "arm64" : "x64";
    const path = packaged.replace(`/linux/${process.arch}/`, `/linux/${other}/`);
    assert.ok(existsSync(path), "the npm package holds the builds of both processors");
    assert.match(await refusal(path), new RegExp(`made for ${other}, this is ${process.arch}`));
  });

  test("another library", async () => {
    const [koffi] = globSync(`node_modules/@koromix/koffi-linux-${process.arch}/linux_*/koffi.node`);
    assert.match(await refusal(koffi!), /Cannot find function 'OrtGetApiBase'/);
  });
});

test("the table's version is the newest that both sides know", () => {
  assert.equal(negotiate("x", "1.18.0"), 18);
  assert.equal(negotiate("x", "1.23.2"), 23);
  assert.equal(negotiate("x", "1.40.0"), 24);
  for (const version of ["1.17.3", "2.0.0", "", "nonsense"]) {
    assert.throws(() => negotiate("x", version), { code: "PROVIDER" }, version);
  }
});

test("the library's messages lose the places in its own sources and keep what they say", () => {
  const said =
    "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() " +
    "[ONNXRuntimeError] : 1 : FAIL : Failed to load library x.so with error: y: No such file or directory\n";
  assert.equal(plainMessage(said), "Failed to load library x.so with error: y: No such file or directory");
  assert.equal(plainMessage("Invalid argument (a) at /dev/x"), "Invalid argument (a) at /dev/x");
  // As 1.31.1 of PyPI's onnxruntime-gpu said it on a machine without a driver.
  const failure =
    "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=vm ; " +
    "file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc ; line=70 ; expr=cudaGetDeviceCount(&num_devices);";
  assert.equal(
    plainMessage(`provider_options_utils.h:187 Parse Failed to parse provider option "device_id": ${failure}`),
    'Failed to parse provider option "device_id": CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version (cudaGetDeviceCount(&num_devices))',
  );
});

describe("the library is looked for", () => {
  const board = join(folder, "board/capi");
  const plain = join(folder, "plain/lib");
  for (const place of [board, plain]) mkdirSync(place, { recursive: true });
  copyFileSync(packaged, join(board, "libonnxruntime.so.1.9.0"));
  writeFileSync(join(board, "libonnxruntime.so.1.23.2"), "");
  writeFileSync(join(board, "libonnxruntime_providers_cuda.so"), "");
  writeFileSync(join(plain, "libonnxruntime.so"), "");
  const known = [plain, join(folder, "b*/capi"), join(folder, "nowhere*")];

  test("in the configured place alone, then in ORT_LIB_PATH alone", () => {
    const both = { configured: plain, environment: { ORT_LIB_PATH: board }, known };
    assert.deepEqual(
      findLibraries(both).map(({ path, from }) => [path, from]),
      [[join(plain, "libonnxruntime.so"), "configured"]],
    );
    const [only, ...more] = findLibraries({ environment: { ORT_LIB_PATH: board }, known });
    assert.deepEqual(more, []);
    assert.equal(only?.from, "ORT_LIB_PATH");
    assert.equal(only.path, join(board, "libonnxruntime.so.1.23.2"), "the newest by number, not by letters");
  });

  test("in known places, one with GPU providers first, the npm package's last", () => {
    const found = findLibraries({ environment: {}, known });
    assert.deepEqual(
      found.map(({ path, beside }) => [path, beside]),
      [
        [join(board, "libonnxruntime.so.1.23.2"), ["cuda"]],
        [join(plain, "libonnxruntime.so"), []],
        [packaged, []],
      ],
    );
  });

  test("the C API is preferred where a library was named or one with GPU providers lies in a known place", () => {
    assert.ok(prefersNative({ configured: plain, environment: {}, known: [] }));
    assert.ok(prefersNative({ environment: { ORT_LIB_PATH: plain }, known: [] }));
    assert.ok(prefersNative({ environment: {}, known }));
    assert.ok(!prefersNative({ environment: { ORT_LIB_PATH: "" }, known: [plain, join(folder, "nowhere*")] }));
  });

  test("a wheel that holds the Python module alone is told as such", () => {
    const wheel = join(folder, "wheel/capi");
    file("wheel/capi/onnxruntime_pybind11_state.cpython-310-x86_64-linux-gnu.so", "");
    assert.deepEqual(pythonModulesAlone([wheel, ...known]), [wheel]);
    assert.throws(() => findLibraries({ configured: wheel, environment: {}, known }), { hint: /build_shared_lib/ });
  });

  test("a place that was named and holds none is an error, not a reason to look elsewhere", async () => {
    assert.throws(() => findLibraries({ configured: join(folder, "nowhere"), environment: {}, known }), {
      code: "PROVIDER",
      message: /embedder\.library names .*nowhere/,
    });
    assert.throws(() => findLibraries({ environment: { ORT_LIB_PATH: folder }, known }), /ORT_LIB_PATH names/);
    const options = { provider: "auto", precision: "auto", threads: 1, maxBatch: 4 } as const;
    await assert.rejects(openNative(tinyModel(), { ...options, library: file("alien/libonnxruntime.so", "alien") }), {
      code: "PROVIDER",
    });
  });
});
