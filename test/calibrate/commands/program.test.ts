import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { CalibrateFolder } from "../../support/calibrate-cli.ts";

let own: CalibrateFolder;
before(async () => {
  own = await CalibrateFolder.make("program");
});
after(() => own.close());

test("without a word the commands are shown in their groups, and that is no failure", async () => {
  const [bare, asked] = await Promise.all([own.run(), own.run("--help")]);
  assert.deepEqual([bare.status, bare.stderr], [0, ""]);
  assert.equal(bare.stdout, asked.stdout);
  const groups = [...bare.stdout.matchAll(/^ ([A-Z][a-z]+): /gm)].map(([, name]) => name);
  assert.deepEqual(groups, ["Teach", "Measure", "Line", "Release", "Board"]);
  const help = await own.run("queue");
  assert.deepEqual([help.status, help.stdout], [0, (await own.run("queue", "--help")).stdout]);
});

test("wrong use names the help of the command that was used wrongly", async () => {
  for (const [words, hint] of [
    [["enrol", "sound"], "gradeline-calibrate --help"],
    [["enroll", "sound", "--lane", "a"], "gradeline-calibrate enroll --help"],
    [["queue", "lst"], "gradeline-calibrate queue --help"],
    [["queue", "answer", "--alpha"], "gradeline-calibrate queue answer --help"],
    [["grades", "tolerance", "extra", "many"], "gradeline-calibrate grades tolerance --help"],
    [["list", "--precision", "fp8"], "gradeline-calibrate list --help"],
    [["enroll", "sound"], "gradeline-calibrate enroll --help"],
  ] as const) {
    const { status, stdout, stderr } = await own.run(...words);
    assert.deepEqual([status, stdout], [2, ""], words.join(" "));
    assert.ok(stderr.endsWith(`hint: ${hint}\n`), `${words.join(" ")}: ${stderr}`);
  }
});

test("the help of a command that there is not is refused, as the command itself", async () => {
  for (const words of [
    ["rename", "--help"],
    ["rename", "-h"],
    ["help", "rename"],
  ]) {
    const { status, stdout, stderr } = await own.run(...words);
    assert.deepEqual([status, stdout], [2, ""], words.join(" "));
    assert.match(stderr, /^error: unknown command 'rename'\n\(Did you mean one of relabel/);
  }
});

test("an option that does nothing for a command is told", async () => {
  const { status, stderr } = await own.run("verdicts", "--gallery", "x", "--model", "y");
  assert.equal(status, 2);
  assert.match(stderr, /^warning: --gallery does nothing here\nwarning: --model does nothing here\nerror: /);
  const { stdout } = await own.run("verdicts", "--help");
  assert.doesNotMatch(stdout, /--gallery|--model|--precision/);
});

test("what is piped has no colours, and a reader that stops reading ends the command without a word", async () => {
  for (const words of [["config", "example"], ["completion", "bash"], ["--help"]]) {
    const child = spawn(process.execPath, ["calibrate/main.ts", ...words], { stdio: ["ignore", "pipe", "pipe"] });
    const [said] = await once(child.stdout.setEncoding("utf8"), "data");
    assert.ok(!String(said).includes("\u001b"), words.join(" "));
    const gone = spawn(process.execPath, ["calibrate/main.ts", ...words], { stdio: ["ignore", "pipe", "pipe"] });
    gone.stdout.destroy();
    let stderr = "";
    gone.stderr.setEncoding("utf8").on("data", (part) => (stderr += part));
    const [status] = await once(gone, "close");
    assert.deepEqual([status, stderr], [0, ""], words.join(" "));
  }
});

test("no help shows a default as the program keeps it", async () => {
  for (const command of ["map", "record"]) {
    const { stdout } = await own.run(command, "--help");
    assert.doesNotMatch(stdout, /\(default: (\[\]|\d{5,})/, command);
  }
});

test("wrong use, too, is one JSON object for who asked for one", async () => {
  for (const words of [
    ["enrol", "--json"],
    ["list", "--json", "--gallry", "x"],
    ["evaluate", "--json", "--shots", "few"],
  ]) {
    const { status, stdout } = await own.run(...words);
    assert.equal(status, 2);
    const { error } = JSON.parse(stdout);
    assert.equal(error.code, "USAGE");
    assert.match(error.hint, /^gradeline-calibrate .*--help$/);
  }
});

test("the program itself is a page", async () => {
  assert.ok((await readFile("calibrate/main.ts", "utf8")).split("\n").length < 80);
});
