import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { openReplay } from "../../../device/capture/replay.ts";
import { replaySchema } from "../../../device/config/schema.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { gstNeeds, lacking, until } from "../../support/camera-peers.ts";

const skip = lacking(gstNeeds);
const main = new URL("../../../calibrate/main.ts", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "gradeline-record-"));
after(() => rmSync(root, { recursive: true }));
const TINY = "{kind: gst, preset: test, widthPx: 64, heightPx: 48, fps: 50}";

const run = (...args: string[]) => runCalibrate(root, ["record", ...args]);

async function replay(path: string): Promise<string[]> {
  const source = await openReplay(replaySchema.parse({ kind: "replay", path, pace: "fast" }));
  const seen: string[] = [];
  for await (const { seq, exposedAt, cameraId, cameraNs, status, data } of source.frames()) {
    seen.push([seq, exposedAt, cameraId, cameraNs, status, createHash("sha256").update(data).digest("hex")].join(" "));
  }
  return seen;
}

test("a camera is recorded for so many frames, and the recording plays", { skip }, async () => {
  const { status, stdout, stderr } = await run(join(root, "count"), "--source", TINY, "--frames", "10", "--json");
  assert.equal(status, 0, stderr);
  const recorded = JSON.parse(stdout);
  // What a busy machine left out does not count.
  assert.deepEqual([recorded.frames, recorded.kept, recorded.widthPx], [10, 10, 64]);
  assert.equal((await replay(recorded.folder)).length, 10);
});

test("a recording of a recording has the same frames, times, ids and gaps, hash for hash", { skip }, async () => {
  const first = JSON.parse((await run(join(root, "one"), "--source", TINY, "--frames", "12", "--json")).stdout).folder;
  const index = join(first, "frames.jsonl");
  const lines = readFileSync(index, "utf8").split("\n");
  writeFileSync(index, lines.filter((_, n) => n !== 5).join("\n"));
  const source = `{kind: replay, pace: fast, path: ${first}}`;
  const second = JSON.parse((await run(join(root, "two"), "--source", source, "--compress", "--json")).stdout);
  const frames = await replay(first);
  assert.deepEqual([frames.length, second.frames, second.leftOut], [11, 11, 0]);
  assert.deepEqual(await replay(second.folder), frames);
});

test("Ctrl-C ends a recording in order: all that was taken is there", { skip }, async () => {
  const place = join(root, "stopped");
  const args = [main, "record", place, "--source", TINY, "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const said = text(child.stdout);
  await until(() => linesIn(place) >= 20);
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  const recorded = JSON.parse(await said);
  assert.equal((await replay(recorded.folder)).length, recorded.frames);
});

test("a recorder that is killed leaves what it had", { skip }, async () => {
  const place = join(root, "killed");
  const child = spawn(process.execPath, [main, "record", place, "--source", TINY], { stdio: "ignore" });
  await until(() => linesIn(place) >= 20);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok((await replay(join(place, readdirSync(place)[0]!))).length >= 20);
});

test("the ring is bounded, and earlier recordings stay", { skip }, async () => {
  const place = join(root, "bounded");
  const big = "{kind: gst, preset: test, widthPx: 640, heightPx: 480, fps: 50}";
  const first = JSON.parse((await run(place, "--source", big, "--frames", "3", "--json")).stdout);
  const { stdout } = await run(place, "--source", big, "--frames", "20", "--max-size", "5MB", "--json");
  const recorded = JSON.parse(stdout);
  assert.ok(recorded.bytes <= 5e6 && recorded.kept < recorded.frames);
  assert.equal((await replay(recorded.folder)).length, recorded.kept);
  assert.equal((await replay(first.folder)).length, 3);
});

test("frames older than asked for go", { skip }, async () => {
  const { stdout } = await run(join(root, "age"), "--source", TINY, "--frames", "100", "--max-age", "1", "--json");
  const { folder, frames, kept } = JSON.parse(stdout);
  const times = (await replay(folder)).map((line) => Number(line.split(" ")[1]));
  assert.deepEqual([frames, times.length], [100, kept]);
  assert.ok(kept > 1 && kept < 100 && times.at(-1)! - times[0]! <= 1e6, `${kept} kept`);
});

const refusals: readonly [string, string[], RegExp][] = [
  ["neither source nor configuration", [], /neither --config nor --source/],
  ["a preset that is none", ["--source", "{kind: gst, preset: tost}"], /preset/],
  ["what is no YAML", ["--source", "{kind: "], /not YAML/],
  ["a size that is none", ["--source", TINY, "--max-size", "many"], /500MB/],
];
for (const [what, args, message] of refusals) {
  test(`wrong use is refused: ${what}`, async () => {
    const { status, stderr } = await run(join(root, "no"), ...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
}

function linesIn(place: string): number {
  try {
    return readFileSync(join(place, readdirSync(place)[0]!, "frames.jsonl"), "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
}
