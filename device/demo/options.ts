import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { GradelineError } from "../base/errors.ts";

export interface DemoOptions {
  /** End after so many fruit have passed the gate; undefined: run until Ctrl-C. */
  readonly items: number | undefined;
  readonly json: boolean;
  readonly seed: number;
  /** Folder GRADE/ITEM/*.jpg of real turning sequences. */
  readonly fruit: string | undefined;
  /** Enroll every second individual of `fruit`, run the others. */
  readonly heldOut: boolean;
  /** How many see the belt's fruit; each more costs its views' embedding. */
  readonly cameras: 1 | 2;
  /** Description of the model. */
  readonly model: string;
  /** Undefined: the usual one, or the next that is free. */
  readonly port: number | undefined;
  /** Where the demo keeps its gallery and journal. */
  readonly state: string;
  readonly fresh: boolean;
}

export const HELP = `Runs a simulated grading line with everything on this machine: broker, cameras, daemon, page.

Usage: npm run demo -- [options]

  --items N     end after N fruit passed the gate and print a summary
  --json        the summary as one JSON object on standard output; progress goes to standard error
  --seed N      another line: other fruit, other faults, other gaps (default 1)
  --fruit DIR   real turning sequences DIR/GRADE/ITEM/*.jpg instead of rendered fruit; the same fruit are enrolled from
                other passages, so agreement says how repeatable grading is, not how it does on fruit never seen
  --held-out    with --fruit: enroll every second fruit of each grade and run the others
  --cameras N   1 or 2 cameras above the belt (default 1); two want more than two cores
  --model FILE  description of the embedding model (default: the shipped one)
  --port N      port of the page; 0 takes any free one (default: 8480, or the next free one)
  --state DIR   where gallery, journal and the configuration that runs are kept (default .gradeline/demo)
  --fresh       forget the gallery and enroll anew
  --help        this text

Examples:
  npm run demo
  npm run demo -- --items 200 --json
  npm run demo -- --items 100 --seed 3 --fruit ~/fruit

Exit code: 0; 1 where a fruit was missed or counted twice, or something failed; 2 for wrong use.
`;

/**
 * @returns the options, or undefined where help was asked for
 * @throws {GradelineError} USAGE
 */
export function parseDemoOptions(argv: readonly string[]): DemoOptions | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  if (values["held-out"] && values.fruit === undefined) {
    throw new GradelineError("USAGE", "--held-out needs --fruit: rendered fruit are never those enrolled", {
      hint: "npm run demo -- --help",
    });
  }
  return {
    items: values.items === undefined ? undefined : integer("items", values.items, 1),
    json: values.json,
    seed: integer("seed", values.seed, 0),
    fruit: values.fruit,
    heldOut: values["held-out"],
    cameras: integer("cameras", values.cameras, 1, 2) as 1 | 2,
    model: values.model,
    port: values.port === undefined ? undefined : integer("port", values.port, 0, 65_535),
    state: values.state,
    fresh: values.fresh,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        items: { type: "string" },
        json: { type: "boolean", default: false },
        seed: { type: "string", default: "1" },
        fruit: { type: "string" },
        "held-out": { type: "boolean", default: false },
        cameras: { type: "string", default: "1" },
        model: { type: "string", default: fileURLToPath(new URL("../../models/embedder.json", import.meta.url)) },
        port: { type: "string" },
        state: { type: "string", default: ".gradeline/demo" },
        fresh: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new GradelineError("USAGE", message, { hint: "npm run demo -- --help", cause: error });
  }
}

function integer(name: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  // An empty text is 0 to `Number`.
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new GradelineError("USAGE", `--${name} is ${JSON.stringify(text)}, wanted a whole number ${range}`, {
      hint: "npm run demo -- --help",
    });
  }
  return value;
}
