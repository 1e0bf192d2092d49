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
  assert.ok(golden.count >= 2);
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

for (const [what, change] of [
  ["the margin of crops", (d) => Object.assign(d.crop, { margin: 0.9 })],
  ["the grey around a crop", (d) => Object.assign(d.crop, { fill: 0 })],
  ["the size of views", (d) => Object.assign(d.input, { size: 32 })],
  ["the tensor that views go to", (d) => Object.assign(d.input, { name: "pictures" })],
  ["the tensor that is read", (d) => Object.assign(d.output, { name: "other" })],
  ["the parts of an embedding", (d) => Object.assign(d, { parts: [{ name: "condition", from: 0, to: 6 }] })],
  ["where a part ends", (d) => Object.assign(d, { parts: [{ name: "condition", from: 0, to: 7 }] })],
  ["how much a part counts", (d) => Object.assign(d, { parts: [{ name: "condition", from: 0, to: 7, emphasis: 2 }] })],
] as readonly [string, (description: Description) => void][]) {
  test(`the identity of a model covers ${what}`, async () => {
    const plain = (await loadModel(TINY)).model.hash;
    const variants = { int8: { file: "tiny.onnx", sha256: sha256(await readFile("test/fixtures/embed/tiny.onnx")) } };
    const before = await loadModel(await writeTiny(folder, (d) => Object.assign(d, { variants })));
    assert.equal(before.model.hash, plain, "a variant beside it changes nothing");
    const after = await loadModel(
      await writeTiny(folder, (description) => {
        Object.assign(description, { variants });
        change(description);
      }),
    );
    assert.notEqual(after.model.hash, plain);
    const eight = await Promise.all([before, after].map((model) => loadVariant(model, "int8")));
    assert.notEqual(eight[0]!.model.hash, eight[1]!.model.hash, "with eight bits, too");
  });
}

test("what a description only tells does not change the identity", async () => {
  const { model } = await loadModel(TINY);
  const told = await writeTiny(folder, (d) => Object.assign(d, { version: "2", licence: "none", parameters: 3 }));
  assert.equal((await loadModel(told)).model.hash, model.hash);
});

test("the galleries of 0.5.0 stay with the shipped model: it is known by its file, as then", async () => {
  const { model } = await loadModel("models/embedder.json");
  assert.equal(model.hash, "9ab16466cf300bfda07331eeaded54db265a2d0e8ec3feffcd8071f40a79c92c");
});

/** A field with a length, as Protocol Buffers write it. */
function field(number: number, content: Uint8Array): Buffer {
  const size = content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7];
  const tag = (number << 3) | 2;
  return Buffer.from([...(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), ...size, ...content]);
}

const weights = Buffer.concat([field(8, Buffer.from("weights")), Buffer.from([0x70, 1])]);
const byPath = field(13, Buffer.concat([field(1, Buffer.from("location")), field(2, Buffer.from("w.bin"))]));
for (const [where, added, what] of [
  ["an initializer", field(7, field(5, weights)), /the numbers of "weights"/],
  ["an initializer that names its file", field(7, field(5, byPath)), /the numbers of ""/],
  ["a sparse initializer", field(7, field(15, field(1, weights))), /the numbers of "weights"/],
  ["a node's constant", field(7, field(1, field(5, field(5, weights)))), /the numbers of "weights"/],
  ["one of a node's constants", field(7, field(1, field(5, field(10, weights)))), /the numbers of "weights"/],
  ["a branch", field(7, field(1, field(5, field(6, field(5, weights))))), /the numbers of "weights"/],
  ["a function", field(25, field(7, field(5, field(5, weights)))), /the numbers of "weights"/],
  ["a compiled engine", field(7, field(1, field(4, Buffer.from("EPContext")))), /a compiled engine/],
] as const) {
  test(`a model that keeps ${where} in another file is refused`, async () => {
    const path = await writeTiny(
      folder,
      () => {},
      (bytes) => Buffer.concat([bytes, added]),
    );
    const error = await refusal(path);
    assert.equal(error.code, "MODEL");
    assert.match(error.message, what);
    assert.match(error.message, /tiny\.onnx keeps .* in another file/);
    assert.match(error.hint ?? "", /as one file/);
  });
}

test("a variant that keeps numbers in another file is refused", async () => {
  const other = Buffer.concat([await readFile("test/fixtures/embed/tiny.onnx"), field(7, field(5, weights))]);
  await writeFile(join(folder, "eight.onnx"), other);
  const path = await writeTiny(folder, (description) => {
    description.variants = { int8: { file: "eight.onnx", sha256: sha256(other) } };
  });
  await assert.rejects(loadVariant(await loadModel(path), "int8"), { code: "MODEL", message: /eight\.onnx keeps/ });
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
  assert.deepEqual((await loadModel(path)).golden.embeddings, embeddings);
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
  ["no golden vectors", (d) => delete d.golden, /golden/],
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
