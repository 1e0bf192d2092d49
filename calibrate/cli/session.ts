import { fileURLToPath } from "node:url";
import { type Command, CommanderError } from "commander";
import { asGradelineError, GradelineError } from "../../device/base/errors.ts";
import { Scope } from "../../device/base/lifecycle.ts";
import { report } from "../../device/base/run.ts";
// What a command does is loaded when it is asked for: all of them together take longer to load than most to run.
import type { Config } from "../../device/config/schema.ts";
import { DEFAULT_GALLERY, type Within } from "./context.ts";

const DEFAULT_MODEL = fileURLToPath(new URL("../../models/embedder.json", import.meta.url));

/** One run of the program: what a command gets, its end by Ctrl-C, and what is said of its failure. */
export class Session {
  readonly #words: readonly string[];
  readonly #json: boolean;
  readonly #stop = new AbortController();
  /** What commander prints where it prints help because of wrong use. */
  #printed = "";

  /** @param words of the command line, after the program's name */
  constructor(words: readonly string[]) {
    this.#words = words;
    this.#json = words.includes("--json");
  }

  /** @returns the exit code */
  async run(program: Command): Promise<number> {
    process.on("SIGINT", () => {
      if (this.#stop.signal.aborted) process.exit(130);
      this.#stop.abort(new GradelineError("USAGE", "stopped; nothing was changed"));
    });
    // Whoever reads along may stop reading: `list | head`.
    process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
    for (const command of allOf(program)) command.configureOutput({ writeErr: (text) => (this.#printed += text) });
    try {
      await program.parseAsync(wordsFor(program, this.#words), { from: "user" });
      return typeof process.exitCode === "number" ? process.exitCode : 0;
    } catch (error) {
      return this.#failed(error, program);
    }
  }

  /** Opens what the options name, runs the command, closes everything. */
  readonly within: Within = async (options, command, about = "active") => {
    const config = options.config === undefined ? undefined : await configOf(options.config);
    const places = config === undefined || about === "configuration" ? config : await placesOf(config);
    const scope = new Scope();
    try {
      await command({
        scope,
        stop: this.#stop.signal,
        json: options.json === true,
        gallery: options.gallery ?? places?.gallery ?? DEFAULT_GALLERY,
        model: options.model ?? places?.model ?? DEFAULT_MODEL,
        embedder: config?.embedder,
        precision: options.precision,
        config,
      });
    } finally {
      await scope.close();
    }
  };

  #failed(error: unknown, program: Command): number {
    if (this.#stop.signal.aborted) {
      process.stderr.write("stopped; the gallery is as it was\n");
      return 130;
    }
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") {
        // A command that only has others under it shows them.
        process.stdout.write(this.#printed);
        return 0;
      }
    }
    const known = this.#withHint(error, program);
    if (this.#json) {
      const { code, message, hint } = known;
      process.stdout.write(`${JSON.stringify({ error: { code, message, hint: hint ?? null } })}\n`);
    }
    return report(known);
  }

  /** Wrong use names the help of the command that was used wrongly. */
  #withHint(error: unknown, program: Command): GradelineError {
    const known =
      error instanceof CommanderError
        ? new GradelineError("USAGE", error.message.replace(/^error: /, ""))
        : asGradelineError(error);
    if (known.code !== "USAGE" || known.hint !== undefined) return known;
    const hint = `${commandLineOf(named(program, this.#words))} --help`;
    return new GradelineError("USAGE", known.message, { hint, cause: error });
  }
}

/** Who asks for the help of a command that there is not is told so; commander shows the program's help instead. */
function wordsFor(program: Command, words: readonly string[]): string[] {
  const isHelp = (word: string): boolean => word === "--help" || word === "-h";
  const named = words[0] === "help" ? words.slice(1) : words.some(isHelp) ? words.filter((word) => !isHelp(word)) : [];
  const [first] = named;
  const known = first === undefined || first.startsWith("-") || first === "help";
  return known || program.commands.some((one) => one.name() === first) ? [...words] : [first];
}

/** The command that the words name, as far as they name one. */
function named(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined && !word.startsWith("-")) break;
    command = next ?? command;
  }
  return command;
}

function commandLineOf(command: Command): string {
  return command.parent === null ? command.name() : `${commandLineOf(command.parent)} ${command.name()}`;
}

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

async function configOf(path: string): Promise<Config> {
  return (await import("../../device/config/file.ts")).loadConfig(path);
}

async function placesOf(config: Config): Promise<Pick<Config, "gallery" | "model">> {
  return (await import("../../device/recipes/bundle/installed.ts")).readPlaces(config);
}
