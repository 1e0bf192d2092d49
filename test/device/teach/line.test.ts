import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { LaneStatsMessage } from "../../../device/contract/messages.ts";
import { readAnyGallery } from "../../../device/gallery/store.ts";
import { readQueue } from "../../../device/teach/queue.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Child } from "../../support/child.ts";
import type { Daemon } from "../../support/daemon.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import type { Subscriber } from "../../support/subscriber.ts";

interface Enrolled {
  readonly items: readonly { readonly item: string; readonly views: number }[];
  readonly gallery: string;
  readonly references: number;
  readonly cancelled: boolean;
}

const skip = withoutMosquitto;
let ears: Subscriber;
let daemon: Daemon;
const board = Board.forEachTest("mosquitto", async () => {
  ({ ears } = board);
  // Nothing was ever taught.
  await rm(join(board.folder, "gallery"), { recursive: true });
  daemon = await board.started(board.line());
});

const send = (verb: string, request: object) => board.send<Enrolled>(verb, request);
const ask = (verb: string, request: object) => board.ask<Enrolled>(verb, request);
const stats = (): LaneStatsMessage[] => ears.json("belt/stats") as unknown as LaneStatsMessage[];
const onBelt = () => verdictsOf(ears).filter(({ lane }) => lane === "belt");

test("a daemon that was taught nothing calls everything unknown, learns two grades from the line and grades by them", {
  skip,
}, async () => {
  const state = await ears.until(() => board.states.find((one) => one.state === "degraded"));
  assert.match(state.reasons[0]!, /nothing is enrolled.*gradeline-calibrate enroll GRADE --lane belt --count 10/);
  // A busy machine may miss every view of one.
  const first = await ears.until(() => onBelt().find(({ views }) => views > 0));
  assert.deepEqual([first.outcome, first.grades], ["unknown", []]);

  const sound = await send("enroll", { lane: "belt", grade: "sound", count: 3 });
  await ears.until(() => stats().find(({ enrolling }) => enrolling?.items.length === 2));
  const twice = await ask("enroll", { lane: "belt", grade: "reject", count: 2 });
  assert.match(twice.error.message, /lane belt is enrolling 3 items as sound/);
  const { data } = await sound();
  const passed = onBelt().map(({ item }) => item);
  assert.deepEqual(
    data.items.map(({ item }) => item),
    passed.slice(passed.indexOf(data.items[0]!.item)).slice(0, 3),
    "the fruit that passed, in their order, none left out",
  );
  assert.ok(data.items.every(({ views }) => views >= 1 && views <= 12));
  assert.equal(data.references, 3);
  await ears.until(() => board.states.at(-1)?.state === "online" || undefined);
  const graded = await ears.until(() => onBelt().find(({ gallery }) => gallery === data.gallery));
  assert.deepEqual(
    graded.grades.map(({ grade }) => grade),
    ["sound"],
  );

  const stored = await readAnyGallery(join(board.folder, "gallery"));
  assert.deepEqual(
    stored!.gallery.references.map(({ id, grade, origin }) => [id, grade, origin.startsWith("lane belt, 20")]),
    data.items.map(({ item }) => [item, "sound", true]),
  );
  assert.deepEqual(
    (await readdir(join(board.folder, "gallery", "crops"))).sort(),
    data.items.map(({ item }) => `${item}.png`).sort(),
  );
  assert.ok(
    (await readQueue(join(board.folder, "queue"))).every(({ id }) => !data.items.some(({ item }) => item === id)),
    "what was answered waits no longer",
  );
});

test("an item of the queue is enrolled by its name after a kill -9, and leaves the queue; another is dismissed", {
  skip,
}, async () => {
  const folderOfQueue = join(board.folder, "queue");
  for (;;) {
    await ears.count("/verdict", ears.on("/verdict").length + 1);
    if ((await readQueue(folderOfQueue)).length >= 2) break;
  }
  await daemon.kill("SIGKILL");
  const [first, second] = await readQueue(folderOfQueue);
  daemon = await board.started(board.line());
  const { data } = await ask("enroll", { grade: "odd one", items: [first!.id] });
  assert.deepEqual(data.items, [{ item: first!.id, views: Math.min(12, first!.views) }]);
  await ears.until(() => verdictsOf(ears).find(({ gallery }) => gallery === data.gallery));
  const dismissed = await ask("dismiss", { items: [second!.id, "nobody"] });
  assert.deepEqual(dismissed.data, { dismissed: 1 });
  const left = (await readQueue(folderOfQueue)).map(({ id }) => id);
  assert.ok(!left.includes(first!.id) && !left.includes(second!.id));
});

test("an enrollment that is cancelled, or during which the daemon stops, leaves no gallery", { skip }, async () => {
  const cancelled = await send("enroll", { lane: "belt", grade: "sound", count: 200 });
  await ears.until(() => stats().find(({ enrolling }) => (enrolling?.items.length ?? 0) >= 1));
  assert.equal((await ask("enroll", { lane: "belt", count: 0 })).data.cancelled, true);
  const { error } = await cancelled();
  assert.match(error.message, /was cancelled; \d+ of 200 had passed, none is enrolled/);
  assert.match((await ask("enroll", { lane: "belt", count: 0 })).error.message, /nothing to cancel/);
  const stopped = await send("enroll", { lane: "belt", grade: "sound", count: 200 });
  await ears.until(() => (stats().at(-1)?.enrolling?.items.length ?? 0) >= 1 || undefined);
  await daemon.kill("SIGTERM");
  assert.match((await stopped()).error.message, /the daemon stops/);
  assert.equal(await readAnyGallery(join(board.folder, "gallery")), undefined);
});

test("what cannot be enrolled is refused with the reason, and a gallery that another process writes to with `try again`", {
  skip,
}, async () => {
  const refusals: [object, RegExp][] = [
    [{ grade: "../x", items: ["belt-1"] }, /"\.\.\/x" cannot be a grade/],
    [{ grade: "a\u0007b", lane: "belt", count: 1 }, /cannot be a grade/],
    [{ grade: "unknown", items: ["belt-1"] }, /belongs to no grade/],
    [{ grade: "sound", items: ["nobody"] }, /item "nobody" is not kept/],
    [{ grade: "sound", items: [] }, /items: found 0, wanted 1 to 200/],
    [{ grade: "sound", lane: "roof", count: 1 }, /no lane "roof", wanted one of: belt, cups/],
    [{ grade: "sound", lane: "belt", count: 201 }, /count: found 201, wanted 1 to 200/],
    [{ grade: "sound", lane: "belt", count: -1 }, /count: found -1/],
    [{ grade: "sound", lane: "belt", items: ["a"], count: 1 }, /found both of items and lane/],
    [{ grade: "sound" }, /found neither of items and lane/],
    [{ lane: "belt", count: 3 }, /grade is missing/],
  ];
  for (const [request, text] of refusals) {
    const { status, error } = await ask("enroll", request);
    assert.equal(status, "error");
    assert.match(error.message, text);
  }
  const other = new Child("test/support/gallery-child.ts", [join(board.folder, "gallery"), "-1"]);
  await board.keep({ close: () => other.kill() });
  await other.until(({ event }) => event === "open");
  const seen = await ears.until(() => onBelt().find(({ views }) => views > 0));
  const locked = await ask("enroll", { grade: "sound", items: [seen.item] });
  assert.deepEqual([locked.error.code], ["GALLERY"]);
  assert.match(locked.error.message, /another process writes to the gallery/);
  await other.kill();
  const { data } = await ask("enroll", { grade: "sound", items: [seen.item] });
  assert.equal(data.references, 1);
});
