import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeAtomic } from "../../../device/base/files.ts";

interface Sync {
  /** Name of what is forced to the disk. */
  readonly of: string;
  /** What a reader finds at that moment. */
  readonly found: string | undefined;
}

/** A folder with the file `target` in it, and what is forced to the disk from now on. */
async function watched(t: TestContext): Promise<{ folder: string; target: string; syncs: Sync[] }> {
  const folder = mkdtempSync(join(tmpdir(), "gradeline-sync-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const target = join(folder, "target");
  writeFileSync(target, "old");
  const syncs: Sync[] = [];
  const handle = await open(target);
  const real = Object.getPrototypeOf(handle).sync as () => Promise<void>;
  await handle.close();
  t.mock.method(Object.getPrototypeOf(handle), "sync", async function (this: { fd: number }) {
    const of = basename(readlinkSync(`/proc/self/fd/${this.fd}`));
    syncs.push({ of, found: existsSync(target) ? readFileSync(target, "utf8") : undefined });
    await real.call(this);
  });
  return { folder, target, syncs };
}

test("a file is on the disk before it takes its name, and its name before it is said to be written", async (t) => {
  const { folder, target, syncs } = await watched(t);
  await writeAtomic(target, [Buffer.from("ne"), Buffer.from("w")]);
  assert.equal(syncs.length, 2);
  assert.match(syncs[0]!.of, /^target\.[0-9a-f]{12}\.tmp$/);
  assert.equal(syncs[0]!.found, "old");
  assert.deepEqual(syncs[1], { of: basename(folder), found: "new" });
});

test("what cannot be written leaves what was there, and no file beside it", async (t) => {
  const { folder, target, syncs } = await watched(t);
  async function* torn(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("half");
    throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  }
  await assert.rejects(writeAtomic(target, torn()), { code: "FILE", retry: true, hint: /make room on the disk/ });
  assert.deepEqual([readFileSync(target, "utf8"), readdirSync(folder), syncs], ["old", ["target"], []]);
});
