import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { recordFrames } from "../../../device/capture/recording.ts";
import { configSchema, type LineConfig } from "../../../device/config/schema.ts";
import { readAnyGallery } from "../../../device/gallery/store.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { lineTruth } from "../../../device/simulation/world.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import type { Ran } from "../../support/gallery-photos.ts";
import { smallLine } from "../../support/line-config.ts";

const FRUIT = 5;

let folder: string;
let recording: string;
let file: string;
let source: LineConfig;
let galleries = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-recording-"));
  recording = join(folder, "recording");
  file = join(folder, "gradeline.yaml");
  const line = smallLine({ folder, brokerPort: 1, pace: "fast", startAt: 1_790_000_000_000_000, items: FRUIT });
  await writeFile(file, JSON.stringify(line));
  const parsed = configSchema.parse(line).cameras[0]!.source;
  assert.ok(parsed.kind === "line");
  source = parsed;
  assert.equal([...lineTruth(source, 0)].length, FRUIT);
  await recordFrames(await openLine(source), recording);
});
after(() => rm(folder, { recursive: true, force: true }));

function enroll(gallery: string, ...args: string[]): Promise<Ran> {
  const words = ["enroll", "sound", "--config", file, "--gallery", gallery, ...args];
  return runCalibrate(folder, words);
}

function freshGallery(): string {
  return join(folder, `gallery-${galleries++}`);
}

describe("fruit of a recording are enrolled", { concurrency: 2 }, () => {
  test("each once, as the lane of the configuration follows it, and shown as it passes", async () => {
    const gallery = freshGallery();
    const { status, stdout, stderr } = await enroll(gallery, "--recording", recording, "--lane", "belt");
    assert.deepEqual([status, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assert.match(lines[0]!, /^ {4}1 {2}lane belt {2}2026-09-21T14:13:2\d\.\d{3}Z +\d+\.\d mm {2}\d+ views$/);
    assert.match(lines[FRUIT]!, new RegExp(`^enrolled ${FRUIT} items \\(\\d+ views\\) as sound$`));
    const { references } = (await readAnyGallery(gallery))!.gallery;
    assert.equal(references.length, FRUIT);
    assert.ok(references.every(({ views, origin }) => views > 1 && views <= 12 && origin.startsWith(recording)));
  });

  test("only the first so many with --count, and as one object with --json", async () => {
    const { status, stdout } = await enroll(
      freshGallery(),
      ...["--recording", recording, "--lane", "belt", "--count", "2", "--json"],
    );
    assert.equal(status, 0);
    const { enrolled, grades, items } = JSON.parse(stdout);
    assert.deepEqual([enrolled, grades], [2, [{ grade: "sound", items: 2 }]]);
    assert.deepEqual(Object.keys(items[0]), ["id", "lane", "exposedAt", "sizeMm", "views"]);
  });

  test("a lane that is not there or not named, both kinds of source, and a folder without fruit are refused", async () => {
    const gallery = freshGallery();
    const refusals: [string[], number, RegExp][] = [
      [
        ["--recording", recording],
        2,
        /2 cameras are configured, so the recording needs its lane\nhint: --lane, one of/,
      ],
      [["--recording", recording, "--lane", "roof"], 2, /no lane "roof", wanted one of: belt, cups/],
      [["--recording", join(folder, "nowhere"), "--lane", "belt"], 1, /there is no folder .*nowhere/],
      [["photo.jpg", "--recording", recording], 2, /found both images and --recording/],
    ];
    for (const [args, code, text] of refusals) {
      const { status, stderr } = await enroll(gallery, ...args);
      assert.deepEqual([status, text.test(stderr)], [code, true], stderr);
    }
    assert.equal(await readAnyGallery(gallery), undefined);
  });

  test("an image that is torn half way is a frame less, and is told; the fruit are enrolled", async () => {
    const torn = join(folder, "torn");
    await recordFrames(await openLine(source), torn);
    const names = (await readdir(torn)).filter((name) => name.endsWith(".png")).sort();
    await truncate(join(torn, names[Math.floor(names.length * 0.7)]!), 2000);
    const gallery = freshGallery();
    const { status, stderr } = await enroll(gallery, "--recording", torn, "--lane", "belt");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /a frame is incomplete: .*\.png cannot be decoded/);
    assert.equal((await readAnyGallery(gallery))!.gallery.references.length, FRUIT);
  });

  test("a recording whose pictures are gone half way is not played to its end, and nothing is enrolled", async () => {
    const gone = join(folder, "gone");
    await recordFrames(await openLine(source), gone);
    const names = (await readdir(gone)).filter((name) => name.endsWith(".png")).sort();
    for (const name of names.slice(Math.floor(names.length * 0.7))) await rm(join(gone, name));
    const gallery = freshGallery();
    const { status, stderr } = await enroll(gallery, "--recording", gone, "--lane", "belt");
    assert.equal(status, 1);
    assert.match(stderr, /cannot be played to its end: .*\.png/);
    assert.equal(await readAnyGallery(gallery), undefined);
  });
});
