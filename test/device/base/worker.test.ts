import assert from "node:assert/strict";
import { test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { errorOf, failedAnswer, failureOf } from "../../../device/base/worker.ts";

test("an error keeps code, message, hint and retry on its way between threads", () => {
  const error = new GradelineError("GALLERY", "it is locked", { hint: "wait", retry: true });
  const back = errorOf(structuredClone(failedAnswer(error)));
  assert.ok(back instanceof GradelineError);
  assert.deepEqual(
    { code: back.code, message: back.message, hint: back.hint, retry: back.retry },
    { code: "GALLERY", message: "it is locked", hint: "wait", retry: true },
  );
});

test("what is no error of ours takes the code it is given", () => {
  assert.deepEqual(failureOf(new TypeError("odd"), "SOURCE"), {
    code: "SOURCE",
    message: "odd",
    hint: undefined,
    retry: false,
  });
});
