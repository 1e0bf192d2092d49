import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { GradelineError } from "../../../device/base/errors.ts";
import { type Config, configSchema } from "../../../device/config/schema.ts";
import { openEmbedder } from "../../../device/embed/open-embedder.ts";
import { TINY, writeTiny, writeTinyWithGolden } from "../../support/embedder-tiny.ts";

const settings = configSchema.shape.embedder.parse({ backend: "node", provider: "cpu", maxBatch: 4, maxDelayMs: 0 });
const cudaBuild =
  globSync("**/libonnxruntime_providers_cuda.so", {
    cwd: dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")),
  }).length > 0;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-open-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function refusal(path: string, config: Partial<Config["embedder"]> = {}): Promise<GradelineError> {
  try {
    await (await openEmbedder(path, { ...settings, ...config })).close();
  } catch (error) {
    return error as GradelineError;
  }
  assert.fail("it was opened");
}

test("the shipped model gives its golden embeddings here", async () => {
  const embedder = await openEmbedder("models/embedder.json", settings);
  assert.deepEqual([embedder.provider, embedder.maxBatch], ["cpu", 4]);
  await embedder.close();
});

test("eight bits are proven by direction, on both backends, and do not pass for single precision", async () => {
  for (const backend of ["node", "native"] as const) {
    const embedder = await openEmbedder("models/embedder.json", { ...settings, backend, precision: "int8" });
    // What a failing assertion leaves open would keep this process for ever.
    await embedder.close();
    const { precision, golden } = embedder.proof;
    assert.equal(precision, "int8");
    assert.ok(golden !== null && golden.cosine > 0.98 && golden.cosine < 0.9999, JSON.stringify(golden));
    assert.match(embedder.model.name, / int8$/);
  }
  assert.match(
    (await refusal("models/embedder.json", { precision: "fp16" })).message,
    /fp16 .* cpu, which has fp32 and int8/,
  );
});

test("golden vectors are compared in batches when there are more than a batch holds", async () => {
  const embedder = await openEmbedder(await writeTinyWithGolden(folder, 11), settings);
  await embedder.close();
});

test("embeddings that are not the golden ones are refused, with how far they are off", async () => {
  // The last of all: a comparison that stops early would not see it.
  const path = await writeTinyWithGolden(folder, 11, (embeddings) => {
    embeddings[embeddings.length - 1]! += 0.01;
  });
  const error = await refusal(path);
  assert.equal(error.code, "MODEL");
  assert.match(
    error.message,
    /on cpu in fp32 the golden embeddings differ by 1\.00e-2, .*a difference of at most 0\.0001/,
  );
});

test("golden embeddings that are no numbers are refused", async () => {
  const path = await writeTinyWithGolden(folder, 2, (embeddings) => {
    embeddings[3] = Number.NaN;
  });
  assert.equal((await refusal(path)).code, "MODEL");
});

test("a model that was cut before it was described is refused", async () => {
  const error = await refusal(
    await writeTiny(
      folder,
      () => {},
      (bytes) => bytes.subarray(0, bytes.length / 2),
    ),
  );
  assert.equal(error.code, "MODEL");
  assert.match(error.message, /no ONNX model/);
});

test("a model of an operator that the library does not know is refused by it", async () => {
  const error = await refusal(
    await writeTiny(
      folder,
      () => {},
      (bytes) => {
        bytes.write("Unknown", bytes.indexOf("Flatten"));
        return bytes;
      },
    ),
  );
  assert.equal(error.code, "MODEL");
  assert.match(error.message, /the inference library refuses the model/);
});

test("a model of another input size than its description's is refused with both", async () => {
  const error = await refusal(
    await writeTiny(folder, (description) => {
      description.input.size = 32;
    }),
  );
  assert.equal(error.code, "MODEL_SHAPE");
  assert.match(error.message, /input is views uint8 \[N, 16, 16, 3\], wanted views uint8 \[N, 32, 32, 3\]/);
});

test("a model of another dimension than its description's is refused with both", async () => {
  const error = await refusal(
    await writeTiny(folder, (description) => {
      description.output.dimension = 128;
    }),
  );
  assert.equal(error.code, "MODEL_SHAPE");
  assert.match(error.message, /output is embedding float32 \[N, 12\], wanted embedding float32 \[N, 128\]/);
});

test("tensors of other names than the description's are refused", async () => {
  for (const [side, key] of [
    ["input", "views"],
    ["output", "embedding"],
  ] as const) {
    const error = await refusal(
      await writeTiny(folder, (description) => {
        description[side].name = "pictures";
      }),
    );
    assert.equal(error.code, "MODEL_SHAPE");
    assert.match(error.message, new RegExp(`${side} is ${key} .*wanted pictures`));
  }
});

test("a model that takes floats is refused", async () => {
  // In the declaration of the input: element type 2, uint8, becomes 1, float32.
  const declared = Buffer.from([0x08, 0x02, 0x12]);
  const path = await writeTiny(
    folder,
    () => {},
    (bytes) => {
      const at = bytes.indexOf(declared);
      assert.equal(bytes.lastIndexOf(declared), at);
      bytes[at + 1] = 1;
      return bytes;
    },
  );
  const error = await refusal(path);
  assert.equal(error.code, "MODEL_SHAPE");
  assert.match(error.message, /views float32 \[N, 16, 16, 3\]/);
});

test("a model with a fixed batch is refused", async () => {
  // Dimension "N" (field 2, a name) becomes 1 (field 1, a number in two bytes).
  const named = Buffer.from([0x0a, 0x03, 0x12, 0x01, 0x4e]);
  const path = await writeTiny(
    folder,
    () => {},
    (bytes) => {
      let at = bytes.indexOf(named);
      assert.ok(at > 0);
      for (; at > 0; at = bytes.indexOf(named)) bytes.set([0x0a, 0x03, 0x08, 0x81, 0x00], at);
      return bytes;
    },
  );
  const error = await refusal(path);
  assert.equal(error.code, "MODEL_SHAPE");
  assert.match(error.message, /views uint8 \[1, 16, 16, 3\], wanted views uint8 \[N, 16, 16, 3\]/);
});

test("a provider that was asked for and is not there is an error that says what to do", {
  skip: cudaBuild && "the CUDA build of onnxruntime-node is installed",
}, async () => {
  const error = await refusal(TINY, { provider: "cuda" });
  assert.equal(error.code, "PROVIDER");
  assert.match(error.message, /cuda was asked for and cannot be used: there is no .*libonnxruntime_providers_cuda\.so/);
  assert.match(error.hint ?? "", /npm rebuild onnxruntime-node.*embedder\.provider to cpu/);
});

test("auto ends on the CPU where there is no GPU build, without a word", {
  skip: cudaBuild && "the CUDA build of onnxruntime-node is installed",
}, () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["test/support/spawn-embedder.ts", TINY, JSON.stringify({ ...settings, provider: "auto" })],
    { encoding: "utf8" },
  );
  assert.deepEqual({ stdout, stderr, status }, { stdout: "cpu\n", stderr: "", status: 0 });
});
