import assert from "node:assert/strict";
import { test } from "node:test";
import { configJsonSchema } from "../../../device/config/allowed.ts";
import { explainKey, likelyKey } from "../../../device/config/explain.ts";

test("a setting is explained by its name, with or without where it stands", () => {
  const [own] = explainKey("lanes[0].gateMm");
  assert.equal(own!.key, "lanes[].gateMm");
  assert.match(own!.about!, /gate/);
  assert.match(own!.allowed, /a number from 0/);
  assert.deepEqual(explainKey("lanes.gatemm"), [own]);
  assert.ok(explainKey("gateMm").some(({ key }) => key === own!.key));
});

test("a setting that several kinds of camera have is explained for each", () => {
  const found = explainKey("cameras.source.fps");
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ["replay", "line", "gst", "gige", "libcamera"],
  );
  assert.equal(found.find(({ kind }) => kind === "replay")!.default, 30);
});

test("an empty name is the file, a section names its keys", () => {
  const keys = Object.keys((configJsonSchema() as { properties: object }).properties);
  assert.deepEqual(explainKey("")[0]!.keys, keys);
  for (const section of keys) assert.ok(explainKey(section).length > 0, section);
  assert.ok(explainKey("mqtt")[0]!.keys.includes("window"));
});

test("a name that is misspelt has a likely one, a name of nothing has none", () => {
  assert.deepEqual(explainKey("mqtt.windwo"), []);
  assert.equal(likelyKey("mqtt.windwo"), "window");
  assert.equal(likelyKey("mm_per_px"), "mmPerPx");
  assert.equal(likelyKey("toString"), undefined);
});
