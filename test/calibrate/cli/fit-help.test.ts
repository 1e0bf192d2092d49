import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { fitHelp } from "../../../calibrate/cli/fit-help.ts";
import { commands } from "../../../calibrate/commands/program.ts";

const program = commands(async () => {});

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

/** A command's help as a terminal of so many columns shows it. */
function helpOf(command: Command, columns: number | undefined): string {
  let text = "";
  const before = command.configureOutput();
  command.configureOutput({
    ...before,
    writeOut: (part) => (text += fitHelp(part, columns)),
    getOutHelpWidth: () => columns ?? 80,
  });
  command.outputHelp();
  command.configureOutput(before);
  return text;
}

for (const columns of [60, 80, 120]) {
  test(`every command's help fits a terminal of ${columns} columns, and loses no word`, () => {
    for (const command of all(program)) {
      const text = helpOf(command, columns);
      const long = text.split("\n").filter((line) => line.length > columns && line.trim().includes(" "));
      assert.deepEqual(long, [], command.name());
      const words = (of: string): string[] => of.split(/\s+/);
      assert.deepEqual(words(text), words(helpOf(command, undefined)), command.name());
    }
  });
}

test("prose is filled, lists go on under their text, and nothing changes where there is no terminal", () => {
  const text = "One line of prose,\nand its next.\n\nKeys:\n  term    what the term is for\n";
  assert.equal(fitHelp(text, undefined), text);
  assert.equal(
    fitHelp(text, 24),
    "One line of prose, and\nits next.\n\nKeys:\n  term    what the term\n          is for\n",
  );
});
