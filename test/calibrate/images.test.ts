import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGrade } from "../../calibrate/images.ts";

const wrong = [
  "",
  ".",
  "..",
  "../x",
  "/etc",
  "a/b",
  "a\\b",
  "a\0",
  "a\u0007b",
  "line\nbreak",
  "\u001b[31m",
  "\u202egrade",
];

test("names that lead out of a folder, hide or steer a terminal cannot be grades", () => {
  for (const name of [...wrong, "x".repeat(41), "unknown", "-rf", " sound", ".hidden"]) {
    assert.throws(() => checkGrade(name), { code: "GRADE" }, JSON.stringify(name));
  }
});

test("what people write can be a grade", () => {
  for (const name of ["sound", "Class 1", "2nd", "extra-fancy", "Güteklasse_II", "特級", "a.b", "x".repeat(40)]) {
    assert.equal(checkGrade(name), name);
  }
});
