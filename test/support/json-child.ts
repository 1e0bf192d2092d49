/**
 * A process that runs many command lines of `gradeline-calibrate`, one after the other. Standard input: a JSON array of
 * command lines. Standard output: a JSON array of what each wrote to its standard output, with its exit code; without
 * command lines, the commands that have `--json`.
 */
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { Session } from "../../calibrate/cli/session.ts";
import { commands } from "../../calibrate/commands/program.ts";

const lines = JSON.parse(await text(process.stdin)) as string[][];
const write = process.stdout.write.bind(process.stdout);
const ran: unknown[] = [];
for (const words of lines) {
  let out = "";
  process.stdout.write = ((part: string | Uint8Array) => {
    out += typeof part === "string" ? part : new TextDecoder().decode(part);
    return true;
  }) as typeof process.stdout.write;
  const session = new Session(words);
  const code = await session.run(commands(session.within));
  process.stdout.write = write;
  process.removeAllListeners("SIGINT");
  process.stdout.removeAllListeners("error");
  process.exitCode = 0;
  ran.push({ words, code, out });
}
write(JSON.stringify(lines.length > 0 ? ran : withJson(commands(new Session([]).within), [])));

function withJson(command: Command, path: readonly string[]): string[] {
  const own = command.options.some(({ long }) => long === "--json") ? [path.join(" ")] : [];
  return [...own, ...command.commands.flatMap((one) => withJson(one, [...path, one.name()]))];
}
