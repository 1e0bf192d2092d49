import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { nowMicros, parseMicros } from "../../../device/base/time.ts";
import { type Answer, Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { type Daemon, saveTinyGallery } from "../../support/daemon.ts";
import { assertNumbered, heardUntil, verdictsOf, withoutRepeats, wrongs } from "../../support/daemon-verdicts.ts";
import { FRAME_TO_GATE_US, truthOf } from "../../support/line-config.ts";
import type { Subscriber } from "../../support/subscriber.ts";

const LANES = ["belt", "cups"];

let ears: Subscriber;
let daemon: Daemon;
let startAt: number;
const board = Board.forEachTest("mosquitto", async () => {
  startAt = nowMicros();
  daemon = await board.started(board.line({ startAt }));
  ({ ears } = board);
});

test("while paused there is no verdict and the state says why; after resume each fruit has its own again", {
  skip: withoutMosquitto,
}, async () => {
  // Enough of them that numbers which began again would meet those given before.
  await ears.until(() => heardUntil(verdictsOf(ears), LANES, startAt + FRAME_TO_GATE_US + 3_000_000));
  assert.deepEqual((await board.ask("pause")).data, { paused: true });
  const pausedAt = nowMicros();
  const state = await ears.until(() => board.states.find((one) => one.state === "degraded"));
  assert.deepEqual(state.reasons, ["paused by request"]);
  // Fruit pass unseen until the next message about the lanes.
  await ears.count("belt/stats", ears.on("belt/stats").length + 1);
  assert.deepEqual((await board.ask("resume")).data, { paused: false });
  const resumedAt = nowMicros();
  await ears.until(() => board.states.at(-1)?.state === "online" || undefined);
  const from = resumedAt + FRAME_TO_GATE_US;
  await ears.until(() => heardUntil(verdictsOf(ears), LANES, from + 1_500_000));
  const verdicts = verdictsOf(ears);
  // What was on its way when the request came may still be decided.
  const meanwhile = verdicts.filter(({ exposedAt }) => parseMicros(exposedAt) > pausedAt + 500_000);
  assert.ok(meanwhile.every(({ exposedAt }) => parseMicros(exposedAt) > resumedAt));
  assertNumbered(verdicts);
  assert.equal(withoutRepeats(verdicts).length, verdicts.length, "no item's name is used twice");
  assert.deepEqual(
    wrongs(
      verdicts,
      truthOf(board.line({ startAt }), 80),
      ({ gateAt }) => gateAt >= from && gateAt <= from + 1_500_000,
    ),
    [],
  );
});

test("a snapshot is a JPEG of the camera's size; a camera that is not there is refused with those that are", {
  skip: withoutMosquitto,
}, async () => {
  for (const camera of [undefined, "cups"]) {
    const { data } = await board.ask("snapshot", camera === undefined ? {} : { camera });
    assert.equal(data.camera, camera ?? "belt");
    const { format, width, height } = await sharp(Buffer.from(data.jpeg as string, "base64")).metadata();
    assert.deepEqual([format, width, height], ["jpeg", 480, 160]);
    assert.deepEqual([data.widthPx, data.heightPx], [480, 160]);
    assert.ok(parseMicros(data.exposedAt as string) >= startAt);
  }
  const { error } = await board.ask("snapshot", { camera: "roof" });
  assert.equal(error.code, "REQUEST");
  assert.match(error.message, /"roof".*belt, cups/);
});

test("a trigger of a lane whose camera takes none is refused, as is one of a lane that is not there", {
  skip: withoutMosquitto,
}, async () => {
  const plain = await board.ask("trigger", { lane: "cups" });
  assert.equal(plain.error.code, "SOURCE");
  assert.match(plain.error.message, /kind line takes no triggers/);
  const { error } = await board.ask("trigger", { lane: "roof" });
  assert.equal(error.code, "REQUEST");
  assert.match(error.message, /"roof".*belt, cups/);
});

test("reload takes a new gallery, refuses a damaged one by its code and goes on with the one in use", {
  skip: withoutMosquitto,
}, async () => {
  const gallery = join(board.folder, "gallery");
  const recipes = () => ears.json("board/recipe");
  const first = await ears.until(() => recipes()[0]);
  await saveTinyGallery(gallery, 9);
  const { data } = await board.ask("reload");
  assert.equal(data.references, 9);
  assert.notEqual(data.gallery, first.gallery);
  await ears.until(() => (recipes().at(-1)?.gallery === data.gallery ? true : undefined));
  assert.ok(
    ears.json("board/info").some((info) => (info.gallery as { references: number }).references === 9),
    "info says so too",
  );
  await ears.until(() => verdictsOf(ears).find((verdict) => verdict.gallery === data.gallery));

  for (const name of ["gallery.bin", "gallery.previous.bin"]) await truncate(join(gallery, name), 100);
  const { status, error } = await board.ask("reload");
  assert.deepEqual([status, error.code], ["error", "GALLERY"]);
  assert.match(error.message, /not a whole gallery/);
  assert.ok(error.hint);
  const before = verdictsOf(ears).length;
  await ears.count("/verdict", before + 2);
  assert.ok(
    verdictsOf(ears)
      .slice(before)
      .every((verdict) => verdict.gallery === data.gallery),
  );
  assert.equal(recipes().at(-1)!.gallery, data.gallery);
});

test("reload that finds the newest gallery damaged takes the one before it and says so", {
  skip: withoutMosquitto,
}, async () => {
  const gallery = join(board.folder, "gallery");
  const first = await ears.until(() => ears.json("board/recipe")[0]);
  await saveTinyGallery(gallery, 9);
  await truncate(join(gallery, "gallery.bin"), 100);
  const { data } = await board.ask("reload");
  assert.equal(data.gallery, first.gallery);
  const warned = await daemon.until(({ level, msg }) => level === "warn" && /the one before it is used/.test(msg));
  assert.match(warned.msg, /gallery\.bin is not a whole gallery/);
});

test("an unknown verb, what is no JSON, a wrong key and a megabyte are refused, and the line goes on", {
  skip: withoutMosquitto,
}, async () => {
  const unknown = await board.ask("explode");
  assert.deepEqual([unknown.error.code, unknown.error.message], ["REQUEST", "unknown verb"]);
  assert.match(unknown.error.hint!, /pause, resume, snapshot, trigger, reload/);
  const wrongKey = await board.ask("pause", { lane: "belt" });
  assert.match(wrongKey.error.message, /lane/);
  for (const payload of ["{pause", Buffer.alloc(1024 * 1024, 32)]) {
    const count = ears.on("response/pause").length;
    await ears.ask("gradeline/board/request/pause", payload);
    const answer = JSON.parse((await ears.count("response/pause", count + 1)).at(-1)!.text) as Answer;
    assert.deepEqual([answer.status, answer.error.code], ["error", "REQUEST"]);
  }
  assert.ok(board.states.every(({ state }) => state === "online"));
  await ears.count("/verdict", ears.on("/verdict").length + 2);
});
