import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  dropEngines,
  type EngineKey,
  keyName,
  openEngineCache,
  sealEngineCache,
} from "../../../../device/embed/native/engine.ts";

const root = mkdtempSync(join(tmpdir(), "gradeline-engines-"));
after(() => rmSync(root, { recursive: true }));

const key: EngineKey = {
  model: "a".repeat(64),
  library: "1.23.2",
  tensorrt: "100300",
  driver: "12.6",
  gpu: "Orin",
  capability: "8.7",
  precision: "fp16",
  calibration: "none",
  batches: [1, 4, 16],
  sizePx: 96,
};

/** What the library leaves behind: an engine and a timing cache per batch size. */
function build(folder: string): void {
  for (const size of key.batches) {
    mkdirSync(join(folder, `batch-${size}`), { recursive: true });
    writeFileSync(join(folder, `batch-${size}`, "part_0_fp16.engine"), `engine for ${size}`);
  }
  writeFileSync(join(folder, "batch-1", "part.timing"), "timing");
}

async function built(of: EngineKey, at = root): Promise<string> {
  const cache = await openEngineCache(at, of);
  build(cache.folder);
  await sealEngineCache(at, cache, of);
  return cache.folder;
}

test("every part of the key makes another engine, their order does not", () => {
  const others: Partial<EngineKey>[] = [
    { model: "b".repeat(64) },
    { library: "1.23.3" },
    { tensorrt: "100301" },
    { driver: "12.8" },
    { gpu: "Thor" },
    { capability: "11.0" },
    { precision: "fp32" },
    { calibration: "c".repeat(64) },
    { batches: [1, 4] },
    { sizePx: 128 },
  ];
  const names = others.map((other) => keyName({ ...key, ...other }));
  assert.equal(new Set([...names, keyName(key)]).size, Object.keys(key).length + 1);
  assert.equal(keyName(Object.fromEntries(Object.entries(key).reverse()) as unknown as EngineKey), keyName(key));
});

test("engines are built once and found again", async () => {
  const first = await openEngineCache(root, key);
  assert.equal(first.state, "absent");
  build(first.folder);
  await sealEngineCache(root, first, key);
  const again = await openEngineCache(root, key);
  assert.deepEqual(again, { folder: first.folder, state: "hit", reason: undefined });
  writeFileSync(join(first.folder, "batch-1", "part.timing"), "longer now");
  assert.equal((await openEngineCache(root, key)).state, "hit", "the library may go on with its timing cache");
  assert.equal((await openEngineCache(root, { ...key, driver: "13.0" })).state, "absent", "a new driver, a new engine");
});

const damages: Readonly<Record<string, (folder: string) => void>> = {
  "a build that was interrupted": (folder) => rmSync(join(folder, "manifest.json")),
  "a manifest cut short": (folder) => writeFileSync(join(folder, "manifest.json"), '{"key": {'),
  "a manifest of another make": (folder) => writeFileSync(join(folder, "manifest.json"), '{"files": []}'),
  "an engine cut short": (folder) => writeFileSync(join(folder, "batch-4", "part_0_fp16.engine"), "eng"),
  "an engine of 0 bytes": (folder) => writeFileSync(join(folder, "batch-4", "part_0_fp16.engine"), ""),
  "an engine with bytes too many": (folder) => appendFileSync(join(folder, "batch-1", "part_0_fp16.engine"), "x"),
  "an engine that is gone": (folder) => rmSync(join(folder, "batch-16", "part_0_fp16.engine")),
  "a file that nobody built": (folder) => writeFileSync(join(folder, "batch-16", "stray.engine"), "x"),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`${what} is removed and built anew`, async () => {
    const folder = await built(key);
    damage(folder);
    const torn = await openEngineCache(root, key);
    assert.equal(torn.state, "torn");
    assert.ok(torn.reason !== undefined && torn.reason.length > 0);
    assert.deepEqual(readdirSync(folder), []);
    build(folder);
    await sealEngineCache(root, torn, key);
    assert.equal((await openEngineCache(root, key)).state, "hit");
  });
}

test("engines that the library refuses are dropped", async () => {
  const folder = await built(key);
  const dropped = await dropEngines(await openEngineCache(root, key), "the library refused it");
  assert.deepEqual([dropped.state, dropped.reason], ["torn", "the library refused it"]);
  assert.deepEqual(readdirSync(folder), []);
});

test("only the newest caches are kept, the one in use always", async () => {
  const own = join(root, "own");
  const folders: string[] = [];
  for (let model = 0; model < 7; model++) {
    const folder = await built({ ...key, model: `${model}`.repeat(64) }, own);
    utimesSync(folder, 1000 + model, 1000 + model);
    folders.push(folder);
  }
  const foreign = join(own, "notes");
  mkdirSync(foreign);
  const inUse = await built({ ...key, model: "0".repeat(64) }, own);
  assert.equal(inUse, folders[0]);
  assert.deepEqual(
    folders.map((folder) => existsSync(folder)),
    [true, false, false, false, true, true, true],
  );
  assert.ok(existsSync(foreign), "what is no cache is left alone");
});

test("a cache that cannot be written is an error that names it", async () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  await assert.rejects(openEngineCache(file, key), { code: "FILE", message: /engine cache .* cannot be used/ });
});
