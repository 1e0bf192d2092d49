import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { repeatability } from "../../../calibrate/daemon/repeat-figures.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { draft, STORED } from "../../support/verdicts.ts";

function verdict(grade: string | null, sizeMm: number | null, distance = 0.3): Verdict {
  const outcome = grade === null ? "unknown" : "graded";
  const grades = [{ grade: "sound", distance, pValue: null }];
  return { ...draft("a", 1), ...STORED, seq: 1, outcome, grade, sizeMm, grades };
}

describe("the figures of fruit that went round", () => {
  test("pairs of rounds that agree are counted within a lane and between lanes", () => {
    // Fruit one is always sound; fruit two is sound, sound, reject on lane a and reject throughout on lane b.
    const a = ["sound", "sound", "sound", "sound", "sound", "reject"].map((grade) => verdict(grade, 70));
    const b = ["sound", "reject", "sound", "reject", "sound", "reject"].map((grade) => verdict(grade, 70));
    const figures = repeatability(
      new Map([
        ["a", a],
        ["b", b],
      ]),
      2,
      3,
    );
    assert.equal(figures.withinLane.a!.share, (1 + 1 / 3) / 2);
    assert.equal(figures.withinLane.b!.share, 1);
    assert.equal(figures.betweenLanes!.share, (1 + 1 / 3) / 2);
    assert.deepEqual(figures.items[1]!.verdicts, {
      a: ["sound", "sound", "reject"],
      b: ["reject", "reject", "reject"],
    });
    const { low, high } = figures.withinLane.a!;
    assert.ok(low >= 1 / 3 && low < 0.67 && high > 0.66 && high <= 1);
  });

  test("the spread is that from round to round, not that from fruit to fruit, and unknown is a verdict, too", () => {
    const sizes = [50, 90, 52, 92];
    const list = sizes.map((size, index) => verdict(null, size, index < 2 ? 0.3 : 0.5));
    const figures = repeatability(new Map([["a", list]]), 2, 2);
    assert.ok(Math.abs(figures.sizeSdMm! - Math.SQRT2) < 1e-9);
    assert.ok(Math.abs(figures.distanceSd! - 0.1 * Math.SQRT2) < 1e-9);
    assert.equal(figures.betweenLanes, null);
    assert.equal(figures.withinLane.a!.share, 1);
    const blind = repeatability(new Map([["a", list.map((each) => ({ ...each, sizeMm: null, grades: [] }))]]), 2, 2);
    assert.deepEqual([blind.sizeSdMm, blind.distanceSd], [null, null]);
  });

  test("rounds in which one fruit was missed look shifted", () => {
    const sizes = [50, 72, 61, 80, 55, 67];
    const round = sizes.map((size) => verdict("sound", size));
    const whole = [...round, ...round, ...round];
    assert.deepEqual(repeatability(new Map([["a", whole]]), 6, 3).shifted, []);
    const missed = [...round, ...round.slice(1), ...round, verdict("sound", 50)];
    assert.deepEqual(repeatability(new Map([["a", missed]]), 6, 3).shifted, ["a"]);
  });
});

describe("repeat beside a running daemon", { skip: withoutMosquitto }, () => {
  const board = Board.forEachTest("mosquitto");

  test("the same fruit sent round are matched by their order: sizes of one fruit differ by little, of two by much", async () => {
    const line = board.line();
    const cameras = line.cameras.map((camera) => ({ ...camera, source: { ...camera.source, circulate: 4 } }));
    await board.started({ ...line, cameras });
    const config = ["--config", join(board.folder, "gradeline.yaml")];
    const repeat = (...args: string[]) => runCalibrate(board.folder, ["repeat", ...args, ...config]);
    const { status, stdout, stderr } = await repeat("--lane", "belt", "--count", "4", "--times", "3", "--json");
    assert.deepEqual([status, stderr], [0, ""]);
    const figures = JSON.parse(stdout);
    assert.deepEqual([figures.fruit, figures.rounds, figures.lanes, figures.shifted], [4, 3, ["belt"], []]);
    const means: number[] = figures.items.map((item: { sizeMm: { mean: number } }) => item.sizeMm.mean);
    assert.ok(figures.sizeSdMm < 1.5, `${figures.sizeSdMm} mm from round to round`);
    assert.ok(Math.max(...means) - Math.min(...means) > 4 * figures.sizeSdMm, `${means}`);
    assert.ok(figures.withinLane.belt.share > 0 && figures.withinLane.belt.share <= 1);

    const unknown = await repeat("--lane", "roof", "--count", "4");
    assert.match(unknown.stderr, /^error: there is no lane "roof", wanted one of: belt, cups/);
    assert.equal(unknown.status, 2);
    await board.ask("pause");
    const idle = await repeat("--lane", "belt", "--count", "40", "--idle", "1");
    assert.match(idle.stderr, /^error: no fruit for 1 s; found \d on lane belt, wanted 400 on each/);
  });
});
