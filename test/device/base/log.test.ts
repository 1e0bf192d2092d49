import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readable } from "../../../device/base/log.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const SCRIPT = `
  import { createLog } from "./device/base/log.ts";
  import { report } from "./device/base/run.ts";
  const log = createLog("debug");
  log.debug("small");
  log.info({ camera: "north", reason: "no power" }, "a camera is away");
  log.warn("look");
  log.error({ password: "hunter2" }, "first\\nsecond");
  report(new Error("torn"));
`;

/** What a program writes to a standard error that is this file. */
async function written(path: string, stream: (own: string) => string): Promise<string[]> {
  const file = openSync(path, "w");
  try {
    const { dev, ino } = fstatSync(file, { bigint: true });
    const env = { ...process.env, JOURNAL_STREAM: stream(`${dev}:${ino}`) };
    spawnSync(process.execPath, ["--input-type=module-typescript", "-e", SCRIPT], {
      stdio: ["ignore", "inherit", file],
      env,
    });
  } finally {
    closeSync(file);
  }
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

test("in systemd's journal each line has its priority and no time of its own", async (t) => {
  const lines = await written(join(await temporaryFolder(t), "log"), (own) => own);
  assert.deepEqual(lines.slice(0, 6), [
    "<7>small",
    '<6>a camera is away  camera=north  reason="no power"',
    "<4>look",
    "<3>first",
    "<3>second  password=[secret]",
    "<3>error: torn",
  ]);
  assert.ok(
    lines.every((line) => /^<\d>/.test(line)),
    lines.join("\n"),
  );
});

test("a program that inherits the journal's name but writes to something else keeps JSON", async (t) => {
  const lines = await written(join(await temporaryFolder(t), "log"), () => "8:15");
  assert.equal(JSON.parse(lines[1]!).msg, "a camera is away");
  assert.equal(JSON.parse(lines[1]!).level, "info");
});

test("on a terminal a line is its time, its level, what happened and its fields", () => {
  const line = readable(
    '{"level":"info","time":"2026-11-30T10:20:30.456Z","lanes":2,"url":"http://a/","msg":"page"}',
    "terminal",
  );
  assert.equal(line, "10:20:30.456 info  page  lanes=2  url=http://a/\n");
});
