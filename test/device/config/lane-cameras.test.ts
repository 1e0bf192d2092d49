import assert from "node:assert/strict";
import { test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { parseConfig } from "../../../device/config/file.ts";
import { cupsSeenBy, laneSeenBy, spansOf, weakTimes } from "../../../device/config/lane-cameras.ts";

const BELT = "conveyor: {kind: belt, speedMmPerS: 800}";
const CUPS = "conveyor: {kind: cups, pitchMm: 100, windows: 4, firstWindowMm: 50, speedMmPerS: 500}";

/** A configuration with one lane. */
function config(cameras: string, lane: string, more = ""): string {
  return `
device: board
gallery: g
cameras:
${cameras}
lanes:
  - {id: a, gateMm: 300, ${lane}}
${more}`;
}

const LINES = ["top", "left", "right"].map((id) => `  - {id: ${id}, source: {kind: line}}`).join("\n");

function problem(text: string): string {
  try {
    parseConfig(text, "board.yaml");
  } catch (error) {
    assert.ok(error instanceof GradelineError);
    assert.equal(error.code, "CONFIG");
    return error.message;
  }
  return assert.fail("the text was accepted");
}

test("a lane of one camera has it as the only one of its list", () => {
  const text = config(LINES, `camera: top, mmPerPx: 0.5, roi: {x: 0, y: 10, w: 640, h: 200}, ${BELT}`);
  const lane = parseConfig(text, "board.yaml").lanes[0]!;
  assert.deepEqual(
    lane.cameras.map(({ camera, offsetMm }) => [camera, offsetMm]),
    [["top", 0]],
  );
  assert.deepEqual(lane.cameras[0]!.region, { x: 0, y: 10, w: 640, h: 200 });
  assert.equal(laneSeenBy(lane, 0, undefined).gateMm, 300);
});

test("what a camera of a lane does not say it has from the lane, and all have the lane's gate", () => {
  const text = config(
    LINES,
    `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left, offsetMm: 400, mmPerPx: 0.4, direction: left}], ${BELT}`,
  );
  const { lanes, cameras } = parseConfig(text, "board.yaml");
  const lane = lanes[0]!;
  const spans = spansOf(lane, cameras)!;
  assert.deepEqual(spans, [
    { entryMm: 0, exitMm: 640 },
    { entryMm: 400, exitMm: 400 + 512 },
  ]);
  const [top, left] = [laneSeenBy(lane, 0, spans), laneSeenBy(lane, 1, spans)];
  assert.deepEqual([top.camera, top.mmPerPx, top.direction, top.gateMm], ["top", 0.5, "right", 300 + 272]);
  assert.deepEqual([left.camera, left.mmPerPx, left.direction, left.gateMm], ["left", 0.4, "left", 300]);
});

test("windows of cups lie where the cups stand under each camera", () => {
  const text = config(
    LINES,
    `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left, offsetMm: 300}, {camera: right, offsetMm: 370, windows: 3}], ${CUPS}`,
  );
  const { lanes, cameras } = parseConfig(text, "board.yaml");
  assert.deepEqual(
    [0, 1, 2].map((n) => cupsSeenBy(lanes[0]!, n)),
    [
      { firstWindowMm: 50, ahead: 0 },
      { firstWindowMm: 50, ahead: 3 },
      { firstWindowMm: 80, ahead: 4 },
    ],
  );
  const { conveyor } = laneSeenBy(lanes[0]!, 2, spansOf(lanes[0]!, cameras));
  assert.ok(conveyor.kind === "cups" && conveyor.windows === 3 && conveyor.firstWindowMm === 80);
});

test("a camera that is listed twice needs a part of the picture for each", () => {
  assert.match(
    problem(config(LINES, `mmPerPx: 0.5, cameras: [{camera: top}, {camera: top}], ${BELT}`)),
    /`lanes\[0\]\.cameras\[1\]\.camera`: found top a second time \(lanes\[0\]\.cameras\[0\]\): give each a part/,
  );
});

test("regions that overlap are refused, in one lane and between two", () => {
  const one = "region: {x: 0, y: 0, w: 400, h: 300}";
  const two = "region: {x: 0, y: 299, w: 400, h: 300}";
  assert.match(
    problem(config(LINES, `mmPerPx: 0.5, cameras: [{camera: top, ${one}}, {camera: top, ${two}}], ${BELT}`)),
    /`lanes\[0\]\.cameras\[1\]\.region`: overlaps that of lanes\[0\]\.cameras\[0\]/,
  );
  const other = `  - {id: b, gateMm: 1, mmPerPx: 0.5, camera: left, roi: {x: 5, y: 5, w: 99, h: 99}, ${BELT}}`;
  assert.match(
    problem(config(LINES, `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left, ${one}}], ${BELT}`, other)),
    /`lanes\[1\]\.roi`: overlaps that of lanes\[0\]\.cameras\[1\]/,
  );
  const apart = two.replace("299", "300");
  parseConfig(config(LINES, `mmPerPx: 0.5, cameras: [{camera: top, ${one}}, {camera: top, ${apart}}], ${BELT}`), "x");
});

test("a region outside the picture is refused with the picture's size, and one of a picture of unknown size must be given", () => {
  const region = "region: {x: 1000, y: 0, w: 400, h: 300}";
  assert.match(
    problem(config(LINES, `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left, ${region}}], ${BELT}`)),
    /cameras\[1\]\.region`: reaches to 1400 x 300, the picture of camera left is 1280 x 720/,
  );
  const gige = LINES.replace("left, source: {kind: line}", "left, source: {kind: gige}").replace(
    "top, source: {kind: line}",
    "top, source: {kind: gige, roi: {w: 640, h: 480}}",
  );
  assert.match(
    problem(config(gige, `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left}], ${BELT}`)),
    /cameras\[1\]\.region`: is missing/,
  );
});

test("cameras in the wrong order along the belt are refused", () => {
  assert.match(
    problem(config(LINES, `mmPerPx: 0.5, cameras: [{camera: top, offsetMm: 300}, {camera: left}], ${BELT}`)),
    /cameras\[1\]\.offsetMm`: found 0 behind 300: cameras stand in the order in which fruit pass them; put left before top/,
  );
});

test("cameras that run by different times cannot be joined; one whose times are weak is told", () => {
  const mixed = LINES.replace("left, source: {kind: line}", "left, source: {kind: replay, path: p}");
  assert.match(
    problem(
      config(
        mixed,
        `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left, region: {x: 0, y: 0, w: 99, h: 99}}], ${BELT}`,
      ),
    ),
    /found left \(replayed, pace real\) beside top \(simulated, pace real\)/,
  );
  const live = LINES.replace(
    "top, source: {kind: line}",
    "top, source: {kind: gige, ptp: true, roi: {w: 640, h: 480}}",
  ).replace("left, source: {kind: line}", "left, source: {kind: libcamera}");
  const text = config(live, `mmPerPx: 0.5, cameras: [{camera: top}, {camera: left}], ${BELT}`);
  assert.deepEqual(weakTimes(parseConfig(text, "x")), [
    "lane a: the times of camera left are those of arrival, good to 10 ms, those of the best of its cameras to 0.1 ms",
  ]);
});

test("a lane says which camera it has, how large a pixel is, and asks for no more cameras than there are", () => {
  assert.match(problem(config(LINES, `mmPerPx: 0.5, ${BELT}`)), /`lanes\[0\]\.camera` is missing/);
  assert.match(
    problem(config(LINES, `camera: top, ${BELT}`)),
    /`lanes\[0\]\.mmPerPx` is missing, allowed: a number above 0/,
  );
  assert.match(
    problem(config(LINES, `cameras: [{camera: top, mmPerPx: 1}, {camera: left}], ${BELT}`)),
    /`lanes\[0\]\.cameras\[1\]\.mmPerPx` is missing/,
  );
  assert.match(
    problem(config(LINES, `camera: left, mmPerPx: 1, cameras: [{camera: top}], ${BELT}`)),
    /`lanes\[0\]\.camera`: found "left", allowed: either `camera` or `cameras`, not both/,
  );
  assert.match(
    problem(config(LINES, `mmPerPx: 1, minCameras: 3, cameras: [{camera: top}, {camera: left}], ${BELT}`)),
    /`lanes\[0\]\.minCameras`: found 3, allowed: at most 2, the cameras of this lane/,
  );
});
