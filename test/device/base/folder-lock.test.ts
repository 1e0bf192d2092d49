import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { lockFolder } from "../../../device/base/folder-lock.ts";

const root = mkdtempSync(join(tmpdir(), "gradeline-lock-"));
after(() => rmSync(root, { recursive: true }));

const lock = (folder: string) => lockFolder(folder, (cause) => new GradelineError("GALLERY", "taken", { cause }));

test("a lock is had by one at a time, and again when it is closed, which may be done twice", () => {
  const first = lock(root);
  assert.throws(() => lock(root), { code: "GALLERY", message: "taken" });
  first.close();
  first.close();
  lock(root).close();
});

test("where no file can be there is an error that names it", () => {
  assert.throws(() => lock(join(root, "nowhere")), { code: "FILE", message: /nowhere\/lock cannot be locked/ });
});
