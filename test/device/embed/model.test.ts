import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { GradelineError } from "../../../device/base/errors.ts";
import { loadModel, loadVariant } from "../../../device/embed/model.ts";
import { type Description, sha256, TINY, writeTiny, writeTinyWithGolden } from "../../support/embedder-tiny.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-model-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The error of loading; a model that loads is a failure. */
async function refusal(path: string): Promise<GradelineError> {
  try {
    await loadModel(path);
  } catch (error) {
    return error as GradelineError;
  }
  assert.fail("it was loaded");
}

test("the shipped model is what its description says, golden vectors included", async () => {
  const { model, bytes, golden } = await loadModel("models/embedder.json");
  assert.equal(sha256(bytes), model.hash);
  assert.ok(golden !== undefined && golden.count >= 2);
  assert.equal(golden.views.length, golden.count * model.sizePx ** 2 * 3);
  assert.equal(golden.embeddings.length, golden.count * model.dimension);
  for (let row = 0; row < golden.count; row++) {
    const length = Math.hypot(...golden.embeddings.subarray(row * model.dimension, (row + 1) * model.dimension));
    assert.ok(Math.abs(length - 1) < 1e-3, `golden row ${row} has length ${length}`);
  }
});

test("half precision is the same model to a gallery, eight bits are another", async () => {
  const single = await loadModel("models/embedder.json");
  const [half, eight] = [await loadVariant(single, "fp16"), await loadVariant(single, "int8")];
  assert.deepEqual([half.precision, half.model], ["fp16", single.model]);
  assert.equal(sha256(half.bytes), single.variants.fp16?.sha256);
  assert.equal(eight.model.hash, sha256(eight.bytes));
  assert.notEqual(eight.model.hash, single.model.hash);
  assert.equal(eight.golden, single.golden, "all are held against the same golden vectors");
});

test("a variant that is torn, or that the description does not name, is refused", async () => {
  const path = await writeTiny(folder, (description) => {
    description.variants = { fp16: { file: "tiny.onnx", sha256: "0".repeat(64) } };
  });
  const loaded = await loadModel(path);
  await assert.rejects(loadVariant(loaded, "fp16"), { code: "MODEL", message: /tiny\.onnx has sha256 .* wants 0{64}/ });
  await assert.rejects(loadVariant(loaded, "int8"), { code: "MODEL", message: /has no int8 variant/ });
});

test("a model without golden vectors loads", async () => {
  const { model, golden } = await loadModel(TINY);
  assert.deepEqual([model.sizePx, model.dimension, golden], [16, 12, undefined]);
});

test("golden vectors that do not lie at a multiple of four bytes are read whole", async () => {
  // A view of 9 by 9 pixels has 243 bytes.
  const views = new Uint8Array(9 * 9 * 3).fill(9);
  const embeddings = Float32Array.from({ length: 12 }, (_, i) => i / 10);
  const bytes = Buffer.concat([views, new Uint8Array(embeddings.buffer)]);
  await writeFile(join(folder, "golden.bin"), bytes);
  const path = await writeTiny(folder, (description) => {
    description.input.size = 9;
    description.golden = { file: "golden.bin", sha256: sha256(bytes), count: 1, tolerance: 1e-4 };
  });
  assert.deepEqual((await loadModel(path)).golden?.embeddings, embeddings);
});

test("a description that is missing is named", async () => {
  const error = await refusal(join(folder, "absent.json"));
  assert.equal(error.code, "MODEL");
  assert.match(error.message, /absent\.json cannot be read.*ENOENT/);
  assert.match(error.hint ?? "", /models\/embedder\.json/);
});

for (const [what, content] of [
  ["empty", ""],
  ["the model itself", readFile("test/fixtures/embed/tiny.onnx")],
  ["cut in half", readFile(TINY, "utf8").then((text) => text.slice(0, text.length / 2))],
] as const) {
  test(`a description that is ${what} is no JSON`, async () => {
    const path = join(folder, "tiny.json");
    await writeFile(path, await content);
    const error = await refusal(path);
    assert.equal(error.code, "MODEL");
    assert.match(error.message, /tiny\.json is no JSON/);
  });
}

const undescribable: readonly [string, (description: Description) => void, RegExp][] = [
  ["a tensor type that is not fed", (d) => Object.assign(d.input, { type: "float32" }), /input\.type/],
  ["a layout that is not fed", (d) => Object.assign(d.input, { layout: "NCHW" }), /input\.layout/],
  ["a size of no pixels", (d) => Object.assign(d.input, { size: 0 }), /input\.size/],
  ["a size that is no number", (d) => Object.assign(d.input, { size: "16" }), /input\.size/],
  ["no dimension", (d) => delete d.output.dimension, /output\.dimension/],
  ["no crop", (d) => delete d.crop, /crop/],
  ["a grey level that is none", (d) => Object.assign(d.crop, { fill: 256 }), /crop\.fill/],
  ["a hash that is none", (d) => Object.assign(d, { sha256: "1234" }), /sha256/],
  ["a file in another folder", (d) => Object.assign(d, { file: "../tiny.onnx" }), /file/],
  ["a file by its absolute path", (d) => Object.assign(d, { file: "/etc/passwd" }), /file/],
  ["the folder as a file", (d) => Object.assign(d, { file: ".." }), /file/],
  ["golden vectors in another folder", (d) => Object.assign(d, { golden: { file: "a/b" } }), /golden\.file/],
];
for (const [what, change, named] of undescribable) {
  test(`a description with ${what} is refused, and the key is named`, async () => {
    const error = await refusal(await writeTiny(folder, change));
    assert.equal(error.code, "MODEL_SHAPE");
    assert.match(error.message, named);
    assert.ok(error.hint !== undefined);
  });
}

test("a model cut in half is refused with both hashes and its length", async () => {
  const path = await writeTiny(folder);
  const whole = await readFile(join(folder, "tiny.onnx"));
  await writeFile(join(folder, "tiny.onnx"), whole.subarray(0, whole.length / 2));
  const error = await refusal(path);
  assert.equal(error.code, "MODEL");
  assert.ok(error.message.includes(sha256(whole)), "the wanted hash");
  assert.ok(error.message.includes(sha256(whole.subarray(0, whole.length / 2))), "the found hash");
  assert.match(error.message, new RegExp(`${Math.floor(whole.length / 2)} bytes`));
});

test("a model with one bit changed is refused", async () => {
  const path = await writeTiny(folder);
  const bytes = await readFile(join(folder, "tiny.onnx"));
  bytes[bytes.length - 9]! ^= 1;
  await writeFile(join(folder, "tiny.onnx"), bytes);
  assert.equal((await refusal(path)).code, "MODEL");
});

test("a description of another model is refused", async () => {
  const path = await writeTiny(folder, (description) => {
    description.sha256 = "0".repeat(64);
  });
  const error = await refusal(path);
  assert.equal(error.code, "MODEL");
  assert.match(error.message, /wants 0{64}/);
});

test("a model whose file is missing is named", async () => {
  const path = await writeTiny(folder);
  await rm(join(folder, "tiny.onnx"));
  assert.match((await refusal(path)).message, /tiny\.onnx cannot be read/);
});

test("golden vectors cut short are refused, also where their hash fits", async () => {
  const path = await writeTinyWithGolden(folder, 2);
  const golden = join(folder, "golden.bin");
  const cut = (await readFile(golden)).subarray(0, -4);
  await writeFile(golden, cut);
  assert.match((await refusal(path)).message, /golden\.bin has sha256/);
  const description = JSON.parse(await readFile(path, "utf8")) as Description;
  description.golden.sha256 = sha256(cut);
  await writeFile(path, JSON.stringify(description));
  const error = await refusal(path);
  assert.equal(error.code, "MODEL");
  assert.match(error.message, /has 1628 bytes, 2 views and embeddings have 1632/);
});
