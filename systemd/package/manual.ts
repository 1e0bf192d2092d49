import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { completionScript } from "../../calibrate/completion/script.ts";
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
  writeFileSync(join(folder, "gradeline"), completion("gradeline", options));
  for (const [shell, file] of [
    ["bash", "bash-completion/completions/gradeline-calibrate"],
    ["zsh", "zsh/vendor-completions/_gradeline-calibrate"],
    ["fish", "fish/vendor_completions.d/gradeline-calibrate.fish"],
  ] as const) {
    const path = join(root, "usr/share", file);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, completionScript(shell, program));
  }
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

/** Completion of a program's options, for bash. */
function completion(name: string, options: readonly string[]): string {
  const function_ = `_${name.replaceAll("-", "_")}`;
  return `# Completion of ${name} for bash; made from what the program itself knows.
${function_}() {
  COMPREPLY=($(compgen -W "${options.join(" ")}" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${function_} ${name}
`;
}
