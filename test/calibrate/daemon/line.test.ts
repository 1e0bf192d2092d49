import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readAnyGallery } from "../../../device/gallery/store.ts";
import { readQueue } from "../../../device/teach/queue.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { Daemon, daemonFolder } from "../../support/daemon.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import { freePort } from "../../support/free-port.ts";
import type { Ran } from "../../support/gallery-photos.ts";
import type { Subscriber } from "../../support/subscriber.ts";

const skip = withoutMosquitto;

let board: Board;
let file: string;
let ears: Subscriber;
let daemon: Daemon;

function calibrate(...args: string[]): Promise<Ran> {
  return runCalibrate(board.folder, [...args, "--config", file]);
}

/** A command that a person watches, types into and interrupts. */
function watched(...args: string[]) {
  const child = spawn(process.execPath, ["calibrate/main.ts", ...args, "--config", file]);
  let text = "";
  let errors = "";
  let look = (): void => {};
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    look();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<Ran>((resolve) => {
    child.once("close", (code) => resolve({ status: code ?? -1, stdout: text, stderr: errors }));
  });
  return {
    child,
    ended,
    until: (wanted: RegExp) =>
      new Promise<void>((resolve) => {
        look = () => {
          if (wanted.test(text)) resolve();
        };
        look();
      }),
  };
}

async function references() {
  return (await readAnyGallery(join(board.folder, "gallery")))?.gallery.references ?? [];
}

describe("the line is taught at a terminal", { skip, concurrency: 1 }, () => {
  board = Board.forAllTests("mosquitto", async () => {
    ({ ears } = board);
    file = join(board.folder, "gradeline.yaml");
    await rm(join(board.folder, "gallery"), { recursive: true });
    daemon = await board.started(board.line());
  });

  test("enroll --lane counts fruit as they pass, shows each with its verdict, and the next are graded by them", async () => {
    const { status, stdout, stderr } = await calibrate("enroll", "sound", "--lane", "belt", "--count", "2");
    assert.deepEqual([status, stderr], [0, ""]);
    const [first, one, two, last] = stdout.split("\n");
    assert.match(first!, /^counting 2 fruit on lane belt as sound; Ctrl-C enrolls none$/);
    for (const [index, line] of [one!, two!].entries()) {
      const text = `^ +${index + 1}/2  unknown +\\d+\\.\\d mm +\\d+ views  nothing to compare with  belt-\\S+$`;
      assert.match(line, new RegExp(text));
    }
    assert.match(
      last!,
      /^enrolled 2 items \(\d+ views\) as sound; 2 references; the line is graded by them from now on$/,
    );
    await ears.until(() => verdictsOf(ears).find(({ grades }) => grades[0]?.grade === "sound"));
  });

  test("with --json it is one object with what was said of each fruit", async () => {
    const { status, stdout } = await calibrate("enroll", "second", "--lane", "cups", "--count", "1", "--json");
    assert.equal(status, 0);
    const told = JSON.parse(stdout);
    assert.deepEqual(Object.keys(told), ["enrolled", "views", "grade", "lane", "gallery", "references", "items"]);
    assert.deepEqual([told.enrolled, told.grade, told.lane, told.references], [1, "second", "cups", 3]);
    const { item, sizeMm, nearest } = told.items[0];
    const verdict = verdictsOf(ears).find((each) => each.item === item)!;
    assert.equal(sizeMm, verdict.sizeMm);
    assert.equal(nearest.grade, "sound");
  });

  test("Ctrl-C after the first fruit enrolls none and ends with 130; the lane is free again", async () => {
    const before = await references();
    const run = watched("enroll", "reject", "--lane", "belt", "--count", "100");
    await run.until(/ 1\/100 /);
    run.child.kill("SIGINT");
    const { status, stderr } = await run.ended;
    assert.deepEqual([status, stderr], [130, "stopped; the gallery is as it was\n"]);
    assert.deepEqual(
      (await references()).map(({ id }) => id),
      before.map(({ id }) => id),
    );
    assert.equal((await calibrate("enroll", "reject", "--lane", "belt", "--count", "1")).status, 0);
  });

  test("the queue is listed, answered, dismissed and gone through in turn", async () => {
    const waiting = () => readQueue(join(board.folder, "queue"));
    while ((await waiting()).length < 5) await ears.count("/verdict", ears.on("/verdict").length + 1);
    const { items } = JSON.parse((await calibrate("queue", "list", "--json")).stdout);
    assert.deepEqual(Object.keys(items[0]).slice(0, 4), ["item", "lane", "outcome", "decidedAt"]);
    const list = await calibrate("queue", "list");
    assert.match(list.stdout, new RegExp(`${items[0].item} .* lane ${items[0].lane}`));
    assert.ok(list.stdout.includes(items[0].picture));

    const answered = await calibrate("queue", "answer", items[0].item, items[1].item, "odd one");
    assert.match(answered.stdout, /^enrolled 2 items as odd one; \d+ references/);
    const dismissed = await calibrate("queue", "dismiss", items[2].item, "--json");
    assert.deepEqual(JSON.parse(dismissed.stdout), { dismissed: 1 });
    const again = await calibrate("queue", "dismiss", items[2].item);
    assert.deepEqual([again.status, again.stdout], [1, ""]);

    const run = watched("queue", "answer");
    run.child.stdin.end("third\n-\n../x\n");
    const { status, stdout } = await run.ended;
    assert.equal(status, 0);
    assert.match(stdout, /enrolled as third; \d+ references/);
    assert.match(stdout, /"\.\.\/x" cannot be a grade/);
    assert.match(stdout, /enrolled 1, dismissed 1\n$/);
    assert.ok((await references()).some(({ grade }) => grade === "third"));
  });

  test("a wrong lane, a missing --count, no daemon and no broker are told with what to do", async () => {
    const wrong = await calibrate("enroll", "sound", "--lane", "roof", "--count", "1");
    assert.deepEqual([wrong.status, wrong.stderr], [1, 'error: there is no lane "roof", wanted one of: belt, cups\n']);
    assert.equal((await calibrate("enroll", "sound", "--lane", "belt")).status, 2);
    const grade = await calibrate("enroll", "../x", "--lane", "belt", "--count", "1");
    assert.match(grade.stderr, /"\.\.\/x" cannot be a grade/);
    const lone = await runCalibrate(board.folder, ["enroll", "sound", "--lane", "belt", "--count", "1"]);
    assert.deepEqual([lone.status, /--config FILE is missing/.test(lone.stderr)], [2, true]);
    const idle = await calibrate("pause-is-no-command");
    assert.equal(idle.status, 2);

    const away = await board.keep(daemonFolder());
    const config = board.line({ folder: away.folder });
    const refused = await Daemon.start(away.folder, { ...config, device: "other", model: "none.json" });
    await refused.ended;
    file = join(away.folder, "gradeline.yaml");
    const unseen = await calibrate("enroll", "sound", "--lane", "belt", "--count", "1");
    assert.match(unseen.stderr, /^error: the daemon other at .* was never seen at this broker\nhint: start it/);
    const nobody = board.line({ folder: away.folder, brokerPort: await freePort() });
    await (await Daemon.start(away.folder, { ...nobody, model: "none.json" })).ended;
    const silent = await calibrate("enroll", "sound", "--lane", "belt", "--count", "1");
    assert.match(silent.stderr, /^error: no connection to the broker at .*ECONNREFUSED/);
    assert.equal(silent.status, 1);
  });

  test("no fruit for too long, and a daemon that is killed meanwhile, end an enrollment with a clear line", async () => {
    file = join(board.folder, "gradeline.yaml");
    await ears.ask("gradeline/board/request/pause", "{}");
    const none = await calibrate("enroll", "sound", "--lane", "belt", "--count", "3", "--idle", "1");
    assert.equal(none.status, 1);
    assert.match(none.stderr, /^error: no fruit passed lane belt for 1 s; \d of 3 had passed, none is enrolled\nhint:/);
    const run = watched("enroll", "sound", "--lane", "belt", "--count", "3");
    await run.until(/counting 3 fruit/);
    await ears.until(() => (ears.json("belt/stats").at(-1)?.enrolling !== null ? true : undefined));
    await daemon.kill();
    const { status, stderr } = await run.ended;
    assert.equal(status, 1);
    assert.match(stderr, /^error: the daemon board at .* is away: the broker lost its connection\nhint: start it/);
  });
});
