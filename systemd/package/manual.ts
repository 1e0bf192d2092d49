import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { program } from "../../calibrate/main.ts";
import { VERSION } from "../../device/base/version.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

/** Writes the manual pages and the shell's completion, from what the programs themselves say. */
export function writeManuals(root: string): void {
  const daemon = execFileSync(process.execPath, [join(REPOSITORY, "device/main.ts"), "--help"], { encoding: "utf8" });
  const pages = [
    ["man8/gradeline.8", daemonPage(daemon)],
    ["man1/gradeline-calibrate.1", commandsPage(program)],
  ] as const;
  for (const [path, text] of pages) {
    const file = join(root, "usr/share/man", `${path}.gz`);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, gzipSync(text, { level: 9 }));
  }
  const folder = join(root, "usr/share/bash-completion/completions");
  mkdirSync(folder, { recursive: true });
  const options = [...new Set(daemon.match(/--[a-z-]+/g))].sort();
  writeFileSync(join(folder, "gradeline"), completion("gradeline", options, []));
  writeFileSync(join(folder, "gradeline-calibrate"), completionOf(program));
}

/** @param help what `gradeline --help` prints */
export function daemonPage(help: string): string {
  const [first = "", ...rest] = help.trim().split("\n");
  return page("gradeline", 8, first, [
    ["DESCRIPTION", rest.join("\n").trim()],
    ["FILES", "/etc/gradeline/gradeline.yaml\n/usr/share/gradeline/gradeline.example.yaml\n/var/lib/gradeline"],
    ["SEE ALSO", "gradeline-calibrate(1), systemctl(1), journalctl(1)"],
  ]);
}

/** The page of a commander program, with the help of each command as `help COMMAND` prints it. */
export function commandsPage(of: Command): string {
  const commands = of.commands.filter((command) => command.name() !== "help");
  return page(of.name(), 1, of.description(), [
    ["SYNOPSIS", helpOf(of)],
    ...commands.map((command): [string, string] => [command.name(), helpOf(command)]),
    ["SEE ALSO", "gradeline(8)"],
  ]);
}

/** Everything that the command prints for `--help`, the text after it included. */
function helpOf(command: Command): string {
  const parts: string[] = [];
  const before = command.configureOutput();
  command.configureOutput({ ...before, writeOut: (part) => void parts.push(part), getOutHelpWidth: () => 100 });
  command.outputHelp();
  command.configureOutput(before);
  return parts.join("").trim();
}

function page(name: string, section: number, about: string, parts: readonly (readonly [string, string])[]): string {
  const head = `.TH "${name.toUpperCase()}" "${section}" "" "gradeline ${VERSION}"\n.SH NAME\n${name} \\- ${roff(about)}\n`;
  const body = parts.map(([title, text]) => `.SH "${title}"\n.nf\n${roff(text)}\n.fi\n`);
  return head + body.join("");
}

/** Text as it stands, for groff: no escapes, no requests. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

/** Completion of a commander program's commands and options, for bash. */
export function completionOf(of: Command): string {
  const optionsOf = (command: Command): string[] =>
    command
      .createHelp()
      .visibleOptions(command)
      .flatMap(({ long }) => (long == null ? [] : [long]));
  const commands = of.commands
    .filter((command) => command.name() !== "help")
    .map((command) => ({ name: command.name(), options: optionsOf(command) }));
  return completion(of.name(), optionsOf(of), commands);
}

function completion(
  name: string,
  options: readonly string[],
  commands: readonly { readonly name: string; readonly options: readonly string[] }[],
): string {
  const words = [...commands.map((command) => command.name), ...options].join(" ");
  const cases = commands.map((command) => `    ${command.name}) words="${command.options.join(" ")}" ;;\n`).join("");
  const function_ = `_${name.replaceAll("-", "_")}`;
  return `# Completion of ${name} for bash; made from what the program itself knows.
${function_}() {
  local words="${words}"
  [ "$COMP_CWORD" -lt 2 ] || case \${COMP_WORDS[1]} in
${cases}    *) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${function_} ${name}
`;
}
