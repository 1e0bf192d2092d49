import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLog } from "../../device/base/log.ts";
import { formatMicros } from "../../device/base/time.ts";
import { configSchema } from "../../device/config/schema.ts";
import { laneStatsSchema } from "../../device/contract/messages.ts";
import { renderTable } from "../../device/demo/table.ts";
import { Tally } from "../../device/demo/tally.ts";
import { camerasOf, expiredFor, referencesOf } from "../../device/gallery/calibration.ts";
import { decodeGallery, encodeGallery } from "../../device/gallery/file.ts";
import { fitGrader } from "../../device/grade/fit.ts";
import { changeOf, renamed, withoutGrade, withTolerance } from "../../device/grade/gallery-edit.ts";
import { UNTAUGHT } from "../../device/grade/untaught.ts";
import { LaneStats } from "../../device/lanes/counts.ts";
import { gradesOfManifest } from "../../device/recipes/bundle/thresholds.ts";
import type { Recipe } from "../../device/recipes/load.ts";
import { Drift } from "../../device/teach/drift/drift.ts";
import { galleryOf, MADE_MODEL, randomReference } from "../support/gallery-made.ts";
import { smallLine } from "../support/line-config.ts";
import { draft, STORED } from "../support/verdicts.ts";

/** Every object has these already; each is a name that the configuration allows. */
const NAMES = ["constructor", "toString", "valueOf", "hasOwnProperty"] as const;

const madeOfNames = () =>
  galleryOf(NAMES.flatMap((name, index) => [randomReference(2 * index, name), randomReference(2 * index + 1, name)]));

test("a lane counts grades of any name", () => {
  const stats = new LaneStats("constructor");
  for (const grade of [...NAMES, "toString"]) stats.add({ ...draft("constructor", 1), ...STORED, seq: 1, grade });
  const { grades } = laneStatsSchema.parse(JSON.parse(JSON.stringify(stats.message())));
  assert.deepEqual(grades, { constructor: 1, toString: 2, valueOf: 1, hasOwnProperty: 1 });
});

test("a gallery of such grades keeps their tolerances, on disk and through each change", () => {
  const made = madeOfNames();
  const own = withTolerance(withTolerance(made, "toString", 0.1), "constructor", 0.2);
  const again = decodeGallery(Buffer.concat(encodeGallery(own, "made")), "it").gallery;
  assert.deepEqual(
    again.tolerances,
    new Map([
      ["toString", 0.1],
      ["constructor", 0.2],
    ]),
  );
  assert.deepEqual(
    renamed(again, "toString", "b").tolerances,
    new Map([
      ["b", 0.1],
      ["constructor", 0.2],
    ]),
  );
  assert.deepEqual([...withTolerance(again, "toString", undefined).tolerances!.keys()], ["constructor"]);
  const without = { ...again, references: again.references.filter(({ grade }) => grade !== "constructor") };
  assert.deepEqual([...withoutGrade(without, "constructor").tolerances!.keys()], ["toString"]);
  assert.deepEqual([changeOf(made, own).settings, changeOf(own, again).settings], [true, false]);
});

test("a recipe states no tolerance for a grade that was given none, whatever its name", () => {
  const made = withTolerance(madeOfNames(), "valueOf", 0.3);
  const { grades } = gradesOfManifest(made, fitGrader(made));
  assert.deepEqual(
    new Map(grades.map(({ grade, tolerance }) => [grade, tolerance])),
    new Map([...NAMES].map((name) => [name, name === "valueOf" ? 0.3 : null])),
  );
});

test("a calibration knows a camera that was not there by any name", () => {
  const source = { kind: "line", fps: 30 };
  const camera = (id: string) => ({ id, source }) as never;
  const fit = {
    rule: "prototypes",
    alpha: 0.05,
    fittedAt: formatMicros(1_790_000_000_000_000),
    references: referencesOf(madeOfNames()),
    figures: [],
    cameras: camerasOf({ cameras: [camera("toString")] }),
  };
  const stored = decodeGallery(Buffer.concat(encodeGallery({ ...madeOfNames(), fit }, "made")), "it").gallery.fit!;
  assert.deepEqual(expiredFor(stored, { cameras: [camera("toString")] }), []);
  const [text] = expiredFor(stored, { cameras: [camera("constructor")] });
  assert.match(text!, /camera constructor was not there/);
});

test("the demo tallies and shows grades of any name", () => {
  const gateAt = 1_800_000_000_000_000;
  const tally = new Tally([{ lane: "a", grade: "constructor", gateAt }], 40_000);
  tally.add({ ...draft("a", 1), ...STORED, seq: 1, grade: "toString", gateAt: formatMicros(gateAt) });
  const { confusion } = tally.summary(gateAt + 1e6, { seen: 1, dropped: 0 });
  assert.equal(JSON.stringify(confusion), '{"constructor":{"toString":1}}');
  const { outcomes } = new LaneStats("a").message();
  const row = {
    lane: "a",
    items: 1,
    outcomes,
    grades: new Map([["empty", 7]]),
    perMinute: 1,
    late: 0,
    last: undefined,
  };
  const footer = { ...{ passed: 1, wanted: 1, missed: 0, double: 0, agreement: 1 }, page: "", broker: "", state: "ok" };
  const text = renderTable([row], ["empty", "toString"], { ...footer, ackMs: { p50: 1, p99: 1 } });
  assert.match(
    text.split("\n")[1]!,
    /^a +1 +1 +7 +0 +0 +0 +0 +0 +0 +-$/,
    "a grade called as an outcome has its own column",
  );
});

test("drift begins anew on a lane called constructor, and is remembered by it", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "names-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "drift.json");
  const line = smallLine({ folder, brokerPort: 1, pace: "fast", startAt: 1_790_000_000_000_000 });
  const lanes = line.lanes.slice(0, 1).map((lane) => ({ ...lane, id: "constructor" }));
  const config = configSchema.parse({ ...line, lanes, drift: { path, baselineItems: 40 } });
  const gallery = madeOfNames();
  const recipe = { grader: UNTAUGHT, gallery, galleryHash: referencesOf(gallery) } as Recipe;
  const open = () =>
    Drift.open({ config, model: () => MADE_MODEL, log: createLog("silent"), recipe: () => recipe, changed: () => {} });
  const first = await open();
  assert.equal(first.message("constructor").learned, 0);
  await first.close();
  const { lanes: kept } = JSON.parse(await readFile(path, "utf8"));
  assert.deepEqual(Object.keys(kept), ["constructor"]);
  kept.constructor.learntFrom = 1_790_000_000_000_000;
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), lanes: kept }));
  const second = await open();
  t.after(() => second.close());
  assert.equal(second.message("constructor").learntFrom, formatMicros(1_790_000_000_000_000));
});
