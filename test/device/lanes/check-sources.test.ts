import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configSchema } from "../../../device/config/schema.ts";
import { checkSources } from "../../../device/lanes/check-sources.ts";

function cameras(sources: readonly object[]) {
  return configSchema.shape.cameras.parse(sources.map((source, index) => ({ id: `c${index}`, source })));
}

const line = { kind: "line", widthPx: 320, heightPx: 200, mmPerPx: 1 };
const never = new AbortController().signal;

test("every camera gives a frame, and its size is told", async () => {
  const seen = await checkSources({ cameras: cameras([line, { ...line, widthPx: 400, conveyor: "cups" }]) }, never);
  assert.deepEqual(seen, [
    { id: "c0", widthPx: 320, heightPx: 200, frame: true },
    { id: "c1", widthPx: 400, heightPx: 200, frame: true },
  ]);
});

test("every camera that cannot be opened is named, with what to do", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-sources-"));
  try {
    const given = cameras([
      { kind: "replay", path: folder },
      line,
      { kind: "replay", path: join(folder, "absent") },
      { kind: "gst", preset: "file", path: join(folder, "video.mp4") },
    ]);
    await assert.rejects(checkSources({ cameras: given }, never), (error: Error & { code: string; hint?: string }) => {
      const [first, second, third, ...more] = error.message.split("\n");
      assert.match(first!, /^camera c0: no image in /);
      assert.match(second!, /^camera c2: there is no folder .*absent/);
      assert.match(third!, /^camera c3: the video .*video\.mp4 cannot be read/);
      assert.deepEqual([more, error.code], [[], "SOURCE"]);
      return /recording.*video/s.test(error.hint ?? "");
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
