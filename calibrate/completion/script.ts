import type { Argument, Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as a shell completes it. */
interface Node {
  /** Its name after those of the commands above it: `queue list`; empty for the program itself. */
  readonly path: string;
  readonly about: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly Choice[];
  /** Words that its arguments may be; empty where they are anything, files for instance. */
  readonly words: readonly string[];
}

interface Choice {
  /** `--precision` */
  readonly name: string;
  readonly about: string;
  /** Whether a value follows. */
  readonly value: "none" | "word" | "file" | "folder";
  /** What the value may be, where it is one of some words. */
  readonly words: readonly string[];
}

/** A script that completes the words of a program, made from what the program says of itself. */
export function completionScript(shell: Shell, program: Command): string {
  const nodes = nodesOf(program, "");
  const about = `# Completion of ${program.name()} for ${shell}; the program itself wrote it.\n`;
  // zsh wants its own mark first.
  const first = shell === "zsh" ? `#compdef ${program.name()}\n` : "";
  return first + about + { bash, zsh, fish }[shell](program.name(), nodes);
}

function nodesOf(command: Command, path: string): Node[] {
  const help = command.createHelp();
  const below = command.commands.filter((one) => one.name() !== "help");
  const own: Node = {
    path,
    about: sentence(command.description()),
    commands: below.map((one) => ({ name: one.name(), about: sentence(one.description()) })),
    options: help.visibleOptions(command).flatMap((option) => choiceOf(option)),
    words: command.registeredArguments.flatMap(({ argChoices }: Argument) => argChoices ?? []),
  };
  return [own, ...below.flatMap((one) => nodesOf(one, `${path} ${one.name()}`.trim()))];
}

function choiceOf({ long, description, flags, argChoices }: Option): Choice[] {
  if (long == null) return [];
  const value = /[<[](\S+?)[>\]]/.exec(flags)?.[1]?.replace("...", "");
  const kind =
    value === undefined ? "none" : value === "file" || value === "path" ? "file" : value === "dir" ? "folder" : "word";
  return [{ name: long, about: sentence(description), value: kind, words: argChoices ?? [] }];
}

/** The first sentence, without what is in brackets: a line of a list. */
function sentence(text: string): string {
  return text
    .replace(/\s*\(.*\)/, "")
    .split(/(?<=[a-z])[.:;](?:\s|$)/)[0]!
    .replaceAll(/['"`\\$[\]:]/g, "");
}

function bash(program: string, nodes: readonly Node[]): string {
  const name = `_${program.replaceAll("-", "_")}`;
  const paths = nodes.filter(({ path }) => path !== "").map(({ path }) => `"${path}"`);
  const cases = nodes.map(
    ({ path, commands, options, words }) =>
      `    "${path}") words="${[...commands.map((one) => one.name), ...words].join(" ")}" options="${options.map((one) => one.name).join(" ")}" ;;`,
  );
  return `${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= next= words= options= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
      ${paths.join("|")}) path=$next ;;
    esac
  done
  COMPREPLY=()
  case "$prev" in
${valueCases(nodes, (own) => (own.value === "folder" ? 'COMPREPLY=($(compgen -d -- "$cur"))' : own.words.length > 0 ? `COMPREPLY=($(compgen -W "${own.words.join(" ")}" -- "$cur"))` : ":"))}
  esac
  case "$path" in
${cases.join("\n")}
  esac
  if [[ $cur == -* ]]; then words=$options; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F ${name} ${program}
`;
}

/** Cases of the word before, each ending the function; an empty reply is completed as a file. */
function valueCases(nodes: readonly Node[], then: (choice: Choice) => string): string {
  const choices = new Map<string, Choice>();
  for (const choice of nodes.flatMap((node) => node.options)) {
    if (choice.value !== "none" && !choices.has(choice.name)) choices.set(choice.name, choice);
  }
  const byAction = Map.groupBy(choices.values(), then);
  return [...byAction]
    .map(([action, same]) => `    ${same.map((one) => one.name).join("|")}) ${action}; return ;;`)
    .join("\n");
}

function zsh(program: string, nodes: readonly Node[]): string {
  const pairs = (of: readonly { readonly name: string; readonly about: string }[]): string =>
    of.map(({ name, about }) => `'${name}:${about}'`).join(" ");
  const cases = nodes.map(
    ({ path, commands, options, words }) =>
      `    '${path}') commands=(${pairs([...commands, ...words.map((name) => ({ name, about: name }))])}) options=(${pairs(options)}) ;;`,
  );
  const paths = nodes.filter(({ path }) => path !== "").map(({ path }) => `'${path}'`);
  return `_${program}() {
  local at= next= i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    next="\${at:+$at }\${words[i]}"
    case "$next" in
      ${paths.join("|")}) at=$next ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
${valueCases(nodes, (own) => (own.value === "folder" ? "_files -/" : own.words.length > 0 ? `compadd ${own.words.join(" ")}` : "_files"))}
  esac
  case "$at" in
${cases.join("\n")}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe option options
  elif (( \${#commands} )); then
    _describe command commands
  else
    _files
  fi
}
compdef _${program} ${program}
`;
}

function fish(program: string, nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, commands, options, words }) => {
    const parts = path === "" ? [] : path.split(" ");
    const here = parts.map((part) => `__fish_seen_subcommand_from ${part}`).join("; and ");
    const below = commands.map((one) => one.name).join(" ");
    const first = path === "" ? "__fish_use_subcommand" : `${here}; and not __fish_seen_subcommand_from ${below}`;
    const of = (condition: string): string => `complete -c ${program}${condition === "" ? "" : ` -n '${condition}'`}`;
    return [
      ...commands.map(({ name, about }) => `${of(first)} -f -a ${name} -d '${about}'`),
      ...words.map((word) => `${of(here)} -f -a ${word}`),
      ...options.map(({ name, about, value, words: values }) => {
        const follows =
          value === "none"
            ? ""
            : values.length > 0
              ? ` -x -a '${values.join(" ")}'`
              : value === "word"
                ? " -x"
                : value === "folder"
                  ? " -x -a '(__fish_complete_directories)'"
                  : " -r";
        return `${of(here)} -l ${name.slice(2)} -d '${about}'${follows}`;
      }),
    ];
  });
  return `${lines.join("\n")}\n`;
}
