import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { formatMicros } from "../../../../device/base/time.ts";
import type { HealthMessage, LaneStatsMessage, RecipeMessage } from "../../../../device/contract/messages.ts";
import { referencesOf } from "../../../../device/gallery/calibration.ts";
import { GalleryWriter } from "../../../../device/gallery/store.ts";
import { Board } from "../../../support/board.ts";
import { withoutMosquitto } from "../../../support/broker-mosquitto.ts";
import type { Daemon } from "../../../support/daemon.ts";
import { runProgram } from "../../../support/gallery-photos.ts";
import type { Subscriber } from "../../../support/subscriber.ts";

const skip = withoutMosquitto;
/** Any moment will do: everything comes from it and the seed. */
const START = 1_790_000_000_000_000;
const HOUR_US = 3_600_000_000;
/** When the lamp changes, after some two hundred cups. */
const LAMP_AT_S = 100;

let ears: Subscriber;
let daemon: Daemon;
const board = Board.forEachTest("mosquitto", () => {
  ({ ears } = board);
});

async function start(source: object, more: object = {}): Promise<void> {
  const line = board.line({ pace: "fast", startAt: START });
  const camera = line.cameras[1]!;
  daemon = await board.started({
    ...line,
    cameras: [{ ...camera, source: { ...camera.source, ...source } }],
    lanes: [line.lanes[1]],
    drift: { baselineItems: 80 },
    ...more,
  });
}

const stats = (): LaneStatsMessage[] => ears.json("cups/stats") as unknown as LaneStatsMessage[];
const found = () => ears.until(() => stats().find(({ drift }) => drift.findings.length > 0));

function watch(...args: string[]) {
  return runProgram("calibrate/main.ts", ["watch", ...args, "--config", join(board.folder, "gradeline.yaml")]);
}

test("a lamp that fades is found on the line with the time it began, is told everywhere, and outlives a restart", {
  skip,
}, async () => {
  await start({ lampGain: 0.8, lampAtS: LAMP_AT_S });
  const { drift } = await found();
  const [light] = drift.findings;
  assert.equal(light!.kind, "light");
  const off = Date.parse(light!.since) - (START / 1000 + LAMP_AT_S * 1000);
  assert.ok(Math.abs(off) < 3000, `${off} ms off`);
  assert.match(light!.text, /belt (19|20|21) % darker/);
  // A line played fast has other reasons, too: its verdicts are late by its own times.
  const reason = `lane cups: the light has changed since ${light!.since.slice(0, 19)}Z`;
  const state = await ears.until(() => board.states.find(({ reasons }) => reasons.includes(reason)));
  assert.equal(state.state, "degraded");
  const health = await ears.until(() =>
    (ears.json("board/health") as unknown as HealthMessage[]).find((each) => each.drift.length > 0),
  );
  assert.deepEqual([health.drift[0]!.lane, health.drift[0]!.since], ["cups", light!.since]);
  const told = await watch("--once");
  assert.deepEqual([told.status, told.stderr], [0, ""]);
  assert.match(told.stdout, /^lane cups: has changed, learnt from 2026-09-21 14:13 UTC\n/);
  const since = `since ${light!.since.slice(0, 16).replace("T", " ")} UTC`;
  assert.match(told.stdout, new RegExp(`  ${since}: the light has changed: belt \\d+ % darker`));
  assert.match(
    told.stdout,
    new RegExp(`belt, brightness \\(log2\\) +was +\\d\\.\\d{3} {2}is +\\d\\.\\d{3} {2}${since}`),
  );

  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  const before = stats().length;
  await start({ lampGain: 0.8, lampAtS: 0 });
  const again = await ears.until(() =>
    stats()
      .slice(before)
      .find(({ drift: { findings } }) => findings.length > 0),
  );
  assert.equal(again.drift.findings[0]!.since, light!.since);

  const relearnt = await watch("--relearn", "--json");
  assert.deepEqual(JSON.parse(relearnt.stdout), { lanes: ["cups"] });
  const last = stats().length;
  await ears.until(() =>
    stats()
      .slice(last)
      .find(({ drift: { learned, findings } }) => learned === 1 && findings.length === 0),
  );
  await ears.count("cups/stats", ears.on("cups/stats").length + 2);
  assert.deepEqual(stats().at(-1)!.drift.findings, [], "the dark lamp is how it should be now");
});

test("a calibration expires with the light and with a camera's settings, and the daemon says so everywhere", {
  skip,
}, async () => {
  const once = (is: () => boolean) => ears.until(() => is() || undefined);
  const recipe = () => (ears.json("board/recipe") as unknown as RecipeMessage[]).at(-1)!;
  const writer = await GalleryWriter.open(join(board.folder, "gallery"));
  const { gallery, modelName } = (await writer.read())!;
  // As of a day before the line's own time.
  const fit = {
    rule: "prototypes" as const,
    alpha: 0.05,
    fittedAt: formatMicros(START - 86_400e6),
    references: referencesOf(gallery),
    figures: [],
    cameras: null,
  };
  await writer.save({ ...gallery, fit }, modelName);
  writer.close();
  await start({ lampGain: 0.8, lampAtS: LAMP_AT_S });
  await once(() => recipe()?.calibration?.alpha === 0.05);
  assert.deepEqual(recipe().calibration!.expired, []);
  const text = /^lane cups had another light when the gallery was calibrated on 2026-09-\d\d: gradeline-calibrate fit/;
  await once(() => text.test(recipe().calibration!.expired[0] ?? ""));
  await once(() => board.states.some(({ reasons }) => reasons.some((reason) => text.test(reason))));

  // Calibrated with these cameras, then run with another exposure of one.
  const fitted = await runProgram("calibrate/main.ts", ["fit", "--config", join(board.folder, "gradeline.yaml")]);
  assert.equal(fitted.status, 0, fitted.stderr);
  await once(() => recipe().calibration!.expired.length === 0);
  await daemon.kill("SIGTERM");
  await start({ lampGain: 0.9 });
  await once(() =>
    recipe().calibration!.expired.some((reason) => /^camera cups was set otherwise when the gallery/.test(reason)),
  );
});

test("where nothing changes nothing is found in five hundred cups; a damaged file is learnt anew", {
  skip,
}, async () => {
  await start({});
  await ears.until(() => stats().find(({ items }) => items >= 500));
  assert.ok(stats().every(({ drift }) => drift.findings.length === 0));
  assert.equal(stats().at(-1)!.drift.learned, 1);
  const { lanes, waiting } = JSON.parse((await watch("--json")).stdout);
  assert.deepEqual([lanes[0].lane, lanes[0].learned, lanes[0].findings], ["cups", 1, []]);
  assert.equal(typeof waiting, "number");
  await daemon.kill("SIGTERM");
  await truncate(join(board.folder, "drift.json"), 300);
  const before = stats().length;
  await start({});
  await daemon.until(({ msg }) => /drift\.json was damaged and is set aside as .*; drift is learnt anew/.test(msg));
  await ears.until(() =>
    stats()
      .slice(before)
      .find(({ drift }) => drift.learned === 1),
  );
});

test("another variety under the same lamp is told as such, from the moment it comes, though it is as much another colour", {
  skip,
}, async () => {
  const shipped = { model: "models/embedder.json", gallery: join(board.folder, "taught") };
  const usual = { strangers: 0, varieties: ["gala", "pink"] };
  await start(usual, shipped);
  const passed = () => ears.json("cups/verdict").filter(({ views }) => (views as number) > 0);
  await ears.until(() => (passed().length >= 40 ? true : undefined));
  const items = passed().map(({ item }) => item);
  assert.equal((await board.ask("enroll", { grade: "sound", items: items.slice(-40) })).status, "ok");
  const enrolledAt = stats().at(-1)!.items;
  await ears.until(() => stats().find(({ items: count }) => count >= enrolledAt + 150));
  assert.deepEqual(stats().at(-1)!.drift.findings, []);
  assert.equal(stats().at(-1)!.drift.learned, 1);
  await daemon.kill("SIGTERM");
  const before = stats().length;
  await start({ ...usual, varieties: ["golden", "granny"], startAt: START + HOUR_US }, shipped);
  const { drift } = await ears.until(() =>
    stats()
      .slice(before)
      .find(({ drift: { findings } }) => findings.length > 0),
  );
  assert.deepEqual(
    drift.findings.map(({ kind }) => kind),
    ["variety"],
  );
  const off = Date.parse(drift.findings[0]!.since) - (START + HOUR_US) / 1000;
  assert.ok(off >= 0 && off < 10_000, `${off} ms after it came`);
});
