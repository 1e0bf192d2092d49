import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commands } from "../../../calibrate/commands/program.ts";
import { completionScript, SHELLS } from "../../../calibrate/completion/script.ts";

const folder = mkdtempSync(join(tmpdir(), "gradeline-completion-"));
after(() => rmSync(folder, { recursive: true }));
const program = commands(async () => {});

function fileOf(shell: (typeof SHELLS)[number]): string {
  const path = join(folder, `completion.${shell}`);
  writeFileSync(path, completionScript(shell, program));
  return path;
}

/** What bash offers for the last of some words. */
function offered(...words: string[]): string[] {
  const script =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
    'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gradeline_calibrate; printf "%s\\n" "${COMPREPLY[@]}"';
  const text = execFileSync("bash", ["-c", script, fileOf("bash"), "gradeline-calibrate", ...words], {
    encoding: "utf8",
    cwd: folder,
  });
  return text.split("\n").filter((word) => word !== "");
}

test("bash completes commands, those under them, options, and words that a value may be", () => {
  assert.deepEqual(offered("e"), ["enroll", "evaluate", "engine"]);
  assert.deepEqual(offered("queue", ""), ["list", "answer", "dismiss"]);
  assert.deepEqual(offered("--version", "queue", "list", "--con"), ["--config"]);
  assert.deepEqual(offered("list", "--precision", "f"), ["fp32", "fp16"]);
  assert.deepEqual(offered("completion", ""), [...SHELLS]);
  // An empty answer has bash offer files.
  assert.deepEqual(offered("enroll", "--config", ""), []);
  assert.deepEqual(offered("enroll", "sound", ""), []);
});

test("every shell reads its script", () => {
  execFileSync("bash", ["-n", fileOf("bash")]);
  execFileSync("zsh", ["-n", fileOf("zsh")]);
  execFileSync("fish", ["--no-execute", fileOf("fish")]);
});

test("fish completes commands, those under them and options", () => {
  const complete = (line: string): string[] =>
    execFileSync("fish", ["--no-config", "-c", `source ${fileOf("fish")}; complete -C '${line}'`], {
      encoding: "utf8",
      cwd: folder,
      env: { ...process.env, HOME: folder },
    })
      .split("\n")
      .map((each) => each.split("\t")[0]!);
  assert.ok(complete("gradeline-calibrate en").includes("enroll"));
  assert.ok(complete("gradeline-calibrate queue a").includes("answer"));
  assert.ok(complete("gradeline-calibrate audit --str").includes("--strict"));
  assert.deepEqual(complete("gradeline-calibrate list --precision fp3").filter(Boolean), ["fp32"]);
});

test("zsh loads the completion for the program", () => {
  const script = "autoload -Uz compinit; compinit -u -d $PWD/dump; source $0; print $_comps[gradeline-calibrate]";
  const text = execFileSync("zsh", ["-f", "-c", script, fileOf("zsh")], { encoding: "utf8", cwd: folder });
  assert.equal(text.trim(), "_gradeline-calibrate");
});

test("every command and option is in every script", () => {
  const scripts = SHELLS.map((shell) => completionScript(shell, program));
  for (const command of program.commands) {
    for (const script of scripts) assert.ok(script.includes(command.name()), command.name());
    for (const { long } of command.options)
      for (const script of scripts) assert.ok(script.includes(long!.slice(2)), long!);
  }
});
