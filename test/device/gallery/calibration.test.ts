import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../../device/config/schema.ts";
import { camerasOf, expiredFor, referencesOf } from "../../../device/gallery/calibration.ts";
import type { GalleryFit } from "../../../device/grade/gallery.ts";
import { madeGallery } from "../../support/gallery-made.ts";

function cameras(...settings: [id: string, exposureUs: number][]): Pick<Config, "cameras"> {
  return {
    cameras: settings.map(([id, exposureUs]) => ({ id, source: { kind: "gige", exposureUs } })),
  } as unknown as Pick<Config, "cameras">;
}

const fit: GalleryFit = {
  rule: "prototypes",
  alpha: 0.05,
  fittedAt: "2026-11-23T10:00:00.000000Z",
  references: "ab".repeat(32),
  figures: [],
  cameras: camerasOf(cameras(["a", 500], ["b", 500])),
};

test("a calibration holds while its cameras are set as they were", () => {
  assert.deepEqual(expiredFor(fit, cameras(["a", 500], ["b", 500])), []);
  assert.deepEqual(expiredFor(fit, cameras(["a", 500])), [], "one that is gone takes no pictures");
  assert.deepEqual(expiredFor(undefined, cameras(["a", 500])), []);
  assert.deepEqual(expiredFor({ ...fit, cameras: null }, cameras(["a", 500])), [], "nobody knows");
});

test("another exposure and another camera are told with the date and what to do", () => {
  assert.deepEqual(expiredFor(fit, cameras(["a", 800], ["b", 500], ["c", 500])), [
    "camera a was set otherwise when the gallery was calibrated on 2026-11-23: gradeline-calibrate fit",
    "camera c was not there when the gallery was calibrated on 2026-11-23: gradeline-calibrate fit",
  ]);
});

test("light that changed after the calibration is told, on whichever camera; what else changed, and what changed before, is not", () => {
  const light = { lane: "a", kind: "light", since: "2026-11-24T08:00:00.000000Z" };
  const now = cameras(["a", 500], ["b", 500]);
  const text =
    "lane a had another light when the gallery was calibrated on 2026-11-23: gradeline-calibrate fit, once the references are of this light";
  assert.deepEqual(expiredFor(fit, now, [light, { ...light, kind: "dirt" }]), [text]);
  assert.deepEqual(expiredFor({ ...fit, cameras: null }, now, [light]), [text]);
  assert.deepEqual(expiredFor(fit, now, [{ ...light, since: "2026-11-22T08:00:00.000000Z" }]), []);
  assert.deepEqual(expiredFor(undefined, now, [light]), []);
});

test("references are identified by who they are, their grades and their model", () => {
  const gallery = madeGallery();
  const same = referencesOf(gallery);
  assert.equal(referencesOf({ ...gallery, fit }), same);
  assert.notEqual(referencesOf({ ...gallery, references: gallery.references.slice(1) }), same);
  assert.notEqual(referencesOf({ ...gallery, modelHash: "cd".repeat(32) }), same);
});
