import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, test } from "node:test";

/** What `npm test` makes of test files of ours, in a tree of its own. */
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gradeline-runner-"));
  mkdirSync(join(root, "test"));
  for (const name of ["run.ts", "runner"]) {
    cpSync(join("test", name), join(root, "test", name), {
      recursive: true,
      filter: (path) => !path.endsWith(".test.ts"),
    });
  }
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  list("expected-skips.json", []);
  list("passed-again.json", []);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function list(name: string, entries: readonly unknown[]): void {
  writeFileSync(join(root, "test", name), JSON.stringify(entries));
}

function file(name: string, body: string): void {
  const head = 'import assert from "node:assert/strict";\nimport { describe, test } from "node:test";\n';
  writeFileSync(join(root, "test", name), head + body);
}

async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  // Inside a test Node tells its child to speak another way.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child: ChildProcess = spawn(process.execPath, ["test/run.ts", ...args], { cwd: root, env });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { code: await ended, output: out + err };
}

const FAILS_FIRST = `
  import { existsSync, writeFileSync } from "node:fs";
  describe("a suite", () => {
    test("always", () => {});
    test("late", () => {
      if (existsSync("been")) return;
      writeFileSync("been", "");
      assert.fail("not yet there");
    });
  });`;

test("a test that passes only the second time is named with what failed first, and kept", async () => {
  file("a.test.ts", FAILS_FIRST);
  const { code, output } = await run("--again");
  assert.equal(code, 0, output);
  assert.match(output, /PASSED ONLY WHEN RUN AGAIN, ALONE: test\/a\.test\.ts > a suite > late: not yet there/);
  const kept = JSON.parse(readFileSync(join(root, "test/passed-again.json"), "utf8"));
  assert.deepEqual(
    kept.map(({ test, failed }: Record<string, string>) => [test, failed]),
    [["test/a.test.ts > a suite > late", "not yet there"]],
  );
});

test("one that is kept already fails the second time", async () => {
  file("a.test.ts", FAILS_FIRST);
  list("passed-again.json", [{ test: "test/a.test.ts > a suite > late", on: "2026-11-30", failed: "x" }]);
  const { code, output } = await run("--again");
  assert.equal(code, 1, output);
  assert.match(output, /a suite > late passed only when run again, and not for the first time/);
});

test("without --again a test that fails once has failed, and one that fails twice has with it", async () => {
  file("a.test.ts", FAILS_FIRST);
  assert.equal((await run()).code, 1);
  file("a.test.ts", 'test("never", () => assert.fail("no"));');
  const { code, output } = await run("--again");
  assert.equal(code, 1);
  assert.match(output, /test\/a\.test\.ts failed \(test\/a\.test\.ts > never: no\): once more, alone/);
});

test("a file that breaks before its tests is a failure of the file", async () => {
  file("a.test.ts", 'throw new Error("no such thing");');
  const { code, output } = await run();
  assert.equal(code, 1);
  assert.match(output, /0 passed, 1 failed, 0 skipped\ntest\/a\.test\.ts failed\n/);
});

test("a skip fails with --skips unless it is expected by its name, and is told without", async () => {
  file("a.test.ts", 'describe("s", () => { test("x", { skip: "no camera" }, () => {}); test("y", () => {}); });');
  const without = await run();
  assert.equal(without.code, 0);
  assert.match(without.output, /skipped: test\/a\.test\.ts > s > x \(no camera\)\n\n?1 passed, 0 failed, 1 skipped/);
  const strict = await run("--skips");
  assert.equal(strict.code, 1);
  assert.match(strict.output, /does not name it: test\/a\.test\.ts > s > x \(no camera\)/);
  list("expected-skips.json", [{ test: "test/a.test.ts > s*", reason: "no camera here" }]);
  assert.equal((await run("--skips")).code, 0);
});

test("a skipped suite is a skip, too, and an expectation that names no test is told", async () => {
  file("a.test.ts", 'describe("s", { skip: "no camera" }, () => { test("x", () => {}); });');
  list("expected-skips.json", [{ test: "test/a.test.ts > gone", reason: "was renamed" }]);
  const { code, output } = await run("--skips");
  assert.equal(code, 1);
  assert.match(output, /does not name it: test\/a\.test\.ts > s \(no camera\)/);
  assert.match(output, /names a test that there is not: test\/a\.test\.ts > gone/);
});

test("two tests of one name fail, in one suite; the same name in two suites is another test", async () => {
  file("a.test.ts", 'for (const s of ["s", "t"]) describe(s, () => { test("x", () => {}); });');
  assert.equal((await run()).code, 0);
  file("a.test.ts", 'describe("s", () => { test("x", () => {}); test("x", () => {}); });');
  const { code, output } = await run();
  assert.equal(code, 1);
  assert.match(output, /two tests have the name test\/a\.test\.ts > s > x/);
});

/** A daemon in a group of its own, which holds the test's output and heeds no SIGTERM. */
const LEAVES_DAEMON = `
  import { spawn } from "node:child_process";
  import { writeFileSync } from "node:fs";
  const daemon = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], {
    detached: true,
    stdio: "inherit",
  });
  writeFileSync("daemon.pid", String(daemon.pid));`;

/** One that has ended and that nobody asked for its end yet does not live. */
function daemonLives(): boolean {
  try {
    const pid = readFileSync(join(root, "daemon.pid"), "utf8");
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("a file that takes too long is ended with the daemon it left, told with its test, and the others go on", async () => {
  file("a.test.ts", `${LEAVES_DAEMON} test("before", () => {}); test("hangs", () => new Promise(() => {}));`);
  file("b.test.ts", 'test("goes on", () => {});');
  const { code, output } = await run("--timeout", "3");
  assert.equal(code, 1, output);
  assert.match(output, /2 passed, 1 failed, 0 skipped\ntest\/a\.test\.ts failed\n/);
  assert.match(
    output,
    /test\/a\.test\.ts took more than 3 s, in the test: hangs; ended with all it started: .*SIGTERM/,
  );
  assert.equal(daemonLives(), false);
});

test("a file that has ended does not wait for the daemon that it left, which is ended and told", async () => {
  file("a.test.ts", `${LEAVES_DAEMON} daemon.unref(); test("passes", () => {});`);
  const { code, output } = await run("--timeout", "30");
  assert.equal(code, 0, output);
  assert.match(output, /test\/a\.test\.ts left running, ended now: .*SIGTERM/);
  assert.equal(daemonLives(), false);
});

test("a run that is stopped ends all that its files have started", async () => {
  file("a.test.ts", `${LEAVES_DAEMON} test("hangs", () => new Promise(() => {}));`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child: ChildProcess = spawn(process.execPath, ["test/run.ts"], { cwd: root, env, stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  // The one event that the file gives from where it hangs.
  for await (const { filename } of watch(root)) if (filename === "daemon.pid" && daemonLives()) break;
  child.kill("SIGTERM");
  assert.equal(await ended, 130);
  assert.equal(daemonLives(), false);
});
