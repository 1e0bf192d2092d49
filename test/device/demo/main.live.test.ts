import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, test } from "node:test";
import type { Summary } from "../../../device/demo/tally.ts";
import { GalleryWriter } from "../../../device/gallery/store.ts";

const PIPES: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];

let state: string;

before(async () => {
  state = await mkdtemp(join(tmpdir(), "gradeline-demo-"));
});
after(() => rm(state, { recursive: true, force: true }));

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** As the README says. */
function demo(args: readonly string[]): Promise<End> {
  return end(spawn("npm", ["run", "--silent", "demo", "--", "--state", state, ...args], { stdio: PIPES }));
}

/** Without npm, which dies of the same Ctrl-C and hides the demo's exit code. */
function interrupted(when: RegExp): Promise<End> {
  const child = spawn(process.execPath, ["device/demo/main.ts", "--state", state], { stdio: PIPES });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    const before = when.test(said);
    said += chunk.toString();
    if (!before && when.test(said)) child.kill("SIGINT");
  });
  return end(child);
}

function end(child: ChildProcessByStdio<null, Readable, Readable>): Promise<End> {
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal, out, err })));
}

test("wrong use of the demo ends with 2 and says what is wrong", async () => {
  const { code, out, err } = await demo(["--items", "none"]);
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /^error: --items is "none"/);
});

test("Ctrl-C while the demo enrolls ends it in order and leaves no half gallery", async () => {
  const { code, out, err } = await interrupted(/enrolling/);
  assert.deepEqual([code, out], [130, ""]);
  assert.doesNotMatch(err, /error|\n {4}at /);
  const writer = await GalleryWriter.open(join(state, "gallery"));
  assert.equal(await writer.read(), undefined);
  writer.close();
});

test("40 fruit pass the demo's gates: none missed, none counted twice, and the summary is one JSON object", async () => {
  const { code, out, err } = await demo(["--items", "40", "--json"]);
  assert.equal(code, 0, err + out);
  const summary = JSON.parse(out) as Summary & { enrolled: string };
  assert.deepEqual(Object.keys(summary).toSorted(), [
    ...["agreement", "confusion", "double", "empty", "enrolled", "exposureToAckMs", "frames", "late", "lots"],
    ...["missed", "passed", "provider", "unknown", "verdicts"],
  ]);
  assert.deepEqual(Object.keys(summary.unknown), ["right", "wrong"]);
  assert.deepEqual(Object.keys(summary.frames), ["seen", "dropped"]);
  assert.deepEqual(Object.keys(summary.exposureToAckMs), ["p50", "p99", "max"]);
  assert.deepEqual([summary.missed, summary.double], [0, 0]);
  assert.ok(summary.passed >= 40 && summary.verdicts === summary.passed);
  const told = Object.values(summary.confusion).flatMap((row) => Object.values(row));
  assert.equal(
    told.reduce((sum, count) => sum + count, 0),
    summary.passed,
  );
  assert.deepEqual(
    summary.lots.map(({ id }) => id),
    ["demo-1", "demo-2"],
  );
  assert.equal(summary.lots[0]!.passed + summary.lots[1]!.passed, summary.passed);
  for (const { passed, grades } of summary.lots) {
    const sum = Object.values(grades).reduce((all, count) => all + count, 0);
    assert.equal(sum, passed);
  }
  assert.ok(summary.frames.seen > 0 && summary.exposureToAckMs.p50 > 0);
  assert.match(err, /^page http:\/\/127\.0\.0\.1:\d+\/$/m);
  assert.match(err, /^broker mqtt:\/\/127\.0\.0\.1:\d+ /m);
});

test("Ctrl-C ends a demo without an end with its summary, from the gallery of the start before", async () => {
  const { code, signal, out, err } = await interrupted(/^page /m);
  assert.deepEqual([code, signal], [0, null], err + out);
  assert.doesNotMatch(err, /enrolling/);
  assert.match(out, /^passed \d+, verdicts \d+, missed 0, double 0, late \d+\n/);
});
