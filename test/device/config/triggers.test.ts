import assert from "node:assert/strict";
import { test } from "node:test";
import type { GradelineError } from "../../../device/base/errors.ts";
import { parseConfig } from "../../../device/config/file.ts";

interface Camera {
  readonly source?: string;
  readonly exposureUs?: number;
  readonly address?: string;
}

function config(cameras: Record<string, Camera>, triggers: string): string {
  const list = Object.entries(cameras).map(([id, { source = "Software", exposureUs, address }]) => {
    const more = [
      ...(exposureUs === undefined ? [] : [`exposureUs: ${exposureUs}`]),
      ...(address === undefined ? [] : [`camera: ${address}`]),
    ];
    return `  - {id: ${id}, source: {${["kind: gige", `trigger: {source: ${source}}`, ...more].join(", ")}}}`;
  });
  return `
device: board
gallery: g
cameras:
${list.join("\n")}
  - {id: usb, source: {kind: line}}
lanes:
  - {id: a, gateMm: 300, mmPerPx: 1, camera: usb, conveyor: {kind: belt, speedMmPerS: 800}}
triggers:
${triggers}`;
}

function problem(text: string): string {
  try {
    parseConfig(text, "board.yaml");
  } catch (error) {
    return (error as GradelineError).message;
  }
  return assert.fail("the text was accepted");
}

const TWO = { top: {}, left: {} };

test("cameras under one trigger are together by software, at once, unless said otherwise", () => {
  const parsed = parseConfig(config(TWO, "  - {id: t, cameras: [{camera: top}, {camera: left, delayMs: 3}]}"), "x");
  const [group] = parsed.triggers;
  assert.deepEqual([group!.by, group!.exposures], ["software", "together"]);
  assert.deepEqual(group!.cameras, [
    { camera: "top", delayMs: 0 },
    { camera: "left", delayMs: 3 },
  ]);
});

test("flashes that must not meet: exposures that overlap, or of unknown length, are refused", () => {
  const lit = { top: { exposureUs: 2000 }, left: { exposureUs: 4000 }, right: { exposureUs: 1000 } };
  const group = (left: number, right: number): string =>
    `  - {id: t, exposures: apart, cameras: [{camera: right, delayMs: ${right}}, {camera: top}, {camera: left, delayMs: ${left}}]}`;
  parseConfig(config(lit, group(2, 6)), "x");
  assert.match(
    problem(config(lit, group(2, 5.9))),
    /`triggers\[0\]\.cameras\[0\]\.delayMs`: found 5\.9: right would expose while left does, from 2 to 6 ms/,
  );
  assert.match(problem(config(lit, group(1.9, 6))), /left would expose while top does, from 0 to 2 ms/);
  assert.match(
    problem(config(TWO, "  - {id: t, exposures: apart, cameras: [{camera: top}, {camera: left, delayMs: 3}]}")),
    /camera top needs exposureUs/,
  );
});

test("a camera that cannot be triggered so, is unknown, or is in two groups is refused", () => {
  const of = (cameras: string, by = "software"): string => `  - {id: t, by: ${by}, cameras: [${cameras}]}`;
  assert.match(problem(config(TWO, of("{camera: usb}"))), /found usb of kind line, allowed: a camera of kind gige/);
  assert.match(problem(config(TWO, of("{camera: far}"))), /found far, allowed: a camera of this file/);
  assert.match(
    problem(config(TWO, of("{camera: top}, {camera: top}"))),
    /found top a second time, it is in triggers\[0\]/,
  );
  assert.match(
    problem(config({ top: { source: "Line1" } }, of("{camera: top}"))),
    /camera top needs trigger: \{ source: Software \}/,
  );
  assert.match(problem(config(TWO, of("{camera: top}", "action"))), /camera top needs trigger: \{ source: Action1 \}/);
  assert.match(
    problem(config({ top: { source: "Action1" } }, of("{camera: top}", "action"))),
    /camera top needs its address/,
  );
  const ready = { top: { source: "Action1", address: "10.0.0.2" } };
  assert.equal(parseConfig(config(ready, of("{camera: top}", "action")), "x").triggers[0]!.by, "action");
});
