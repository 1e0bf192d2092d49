import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { GradelineError } from "../../device/base/errors.ts";
import { run as runParts } from "../../device/base/run.ts";
import type { CamerasRow } from "./cameras-per-lane.ts";

const HELP = `npm run bench [-- line|soak|embed|cameras|cameras-per-lane|match|precision|enroll|alpha|follow|peer]
                   [--pairs N] [--scenes TEXT] [--films FOLDER] [--write] [--seconds N] [--threads N] [--items N]
                   [--from FILE] [--json]

  line      the whole line under load and saturated, against the bare session (default)
  soak      the line at its own pace for ten minutes: whether memory stays
  embed     the embedding backends
  cameras   the sources that can run here
  cameras-per-lane  fruit that 1 to 4 cameras see: what is missed, seen double or joined wrongly
  match     comparing views with references
  precision what fp16 and int8 do to verdicts
  enroll    enrolling 100 items of 10 views against embedding them alone
  alpha     the share of 1,000 good fruit never enrolled that is called unknown, against the share asked for
  follow    scenes that followers of fruit find hard, with a colour and with a grey camera
  peer      the line beside the same line in Python, by turns: processor time, pace and delay

--pairs N    turns of both (peer; default 5)
--scenes T   only scenes whose name holds this (follow)
--films F    contact sheets of a lamp failure, a jam, a grey camera and rollers, or of --scenes (follow)
--write      the table goes into the page of device/vision (follow), of device/lanes (cameras-per-lane)
--from FILE  what a run gave with --json, instead of another one (cameras-per-lane, follow)
--seconds N  measured time of each part or row
--threads N  threads of the session (line, soak, embed)
--items N    fruit that are judged (alpha), or pass in each row (cameras-per-lane)
--json       figures for programs
`;

interface Options {
  readonly seconds: number | undefined;
  readonly threads: number;
  readonly items: number | undefined;
  readonly pairs: number | undefined;
  readonly json: boolean;
  readonly scenes: string;
  readonly write: boolean;
  readonly from: string | undefined;
  readonly films: string | undefined;
}

interface Result {
  readonly figures: unknown;
  readonly text: string;
}

const benches: Record<string, (options: Options) => Promise<Result>> = {
  async line({ seconds, threads }) {
    const { run, describe } = await import("./line.ts");
    const progress = (text: string): void => void process.stderr.write(`${text}\n`);
    const figures = await run({ ...(seconds === undefined ? {} : { seconds }), threads, progress });
    return { figures, text: `${describe(figures)}\n` };
  },
  async soak({ seconds, threads }) {
    const { soak, describeSoak } = await import("./line.ts");
    const progress = (text: string): void => void process.stderr.write(`${text}\n`);
    const figures = await soak({ ...(seconds === undefined ? {} : { seconds }), threads, progress });
    return { figures, text: `${describeSoak(figures)}\n` };
  },
  async embed({ seconds, threads }) {
    const { run, describe } = await import("./embed.ts");
    const figures = await run({ ...(seconds === undefined ? {} : { forMs: seconds * 1000 }), threads });
    return { figures, text: `${describe(figures)}\n` };
  },
  async cameras({ seconds }) {
    const { run, describe } = await import("./cameras.ts");
    const progress = (text: string): void => void process.stderr.write(`${text}\n`);
    const figures = await run({ seconds, progress });
    return { figures, text: describe(figures) };
  },
  async "cameras-per-lane"({ items, from, write }) {
    const { run, describe, writePage } = await import("./cameras-per-lane.ts");
    const progress = (text: string): void => void process.stderr.write(`${text}\n`);
    const figures = from === undefined ? await run({ items, progress }) : rowsOf(await readFile(from, "utf8"));
    if (write) await writePage(figures);
    return { figures, text: `${describe(figures)}\n` };
  },
  async precision() {
    const { run, describe } = await import("./precision.ts");
    const figures = await run();
    return { figures, text: `${describe(figures)}\n` };
  },
  async enroll() {
    const { run, describe } = await import("./enroll.ts");
    const figures = await run((text) => void process.stderr.write(`${text}\n`));
    return { figures, text: `${describe(figures)}\n` };
  },
  async alpha({ items }) {
    const { run, describe } = await import("./alpha.ts");
    const figures = await run(items);
    return { figures, text: `${describe(figures)}\n` };
  },
  async follow({ scenes, write, from, films }) {
    const { run, describe, writePage, writeFilms } = await import("./follow.ts");
    if (films !== undefined) {
      const written = await writeFilms(films, scenes);
      return { figures: written, text: `${written.join("\n")}\n` };
    }
    const told = ({ scene, camera, passed }: { scene: string; camera: string; passed: boolean }): void =>
      void process.stderr.write(`${passed ? "right" : "WRONG"} ${scene}, ${camera}\n`);
    const figures =
      from === undefined
        ? run((name) => name.includes(scenes), told)
        : (JSON.parse(await readFile(from, "utf8")) as ReturnType<typeof run>);
    if (write) await writePage(figures);
    return { figures, text: `${describe(figures)}\n` };
  },
  async peer({ pairs, seconds }) {
    const { run, describe } = await import("./peer.ts");
    const figures = await run({ pairs, seconds, progress: (text) => void process.stderr.write(`${text}\n`) });
    return { figures, text: `${describe(figures)}\n` };
  },
  async match({ seconds }) {
    const { run, describe } = await import("./match.ts");
    const figures = await run(seconds);
    return { figures, text: `${describe(figures)}\n` };
  },
};

await runParts(async () => {
  const options = parse(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const { figures, text } = await benches[options.name]!(options);
  // Always one object, so that a later figure has its place.
  if (options.json) process.stdout.write(`${JSON.stringify(Array.isArray(figures) ? { rows: figures } : figures)}\n`);
  else process.stdout.write(text);
  return 0;
});

function rowsOf(text: string): CamerasRow[] {
  return (JSON.parse(text) as { readonly rows: CamerasRow[] }).rows;
}

function parse(argv: string[]): (Options & { name: string }) | undefined {
  let parsed: ReturnType<typeof parseOptions>;
  try {
    parsed = parseOptions(argv);
  } catch (error) {
    throw usage((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return undefined;
  const [name = "line", ...rest] = positionals;
  if (!(name in benches) || rest.length > 0) {
    throw usage(`${positionals.join(" ")} is no bench, there are ${Object.keys(benches).join(", ")}`);
  }
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds > 0)) throw usage(`--seconds is ${values.seconds}, wanted more than 0`);
  const threads = Number(values.threads);
  if (!Number.isInteger(threads) || threads < 1) throw usage(`--threads is ${values.threads}, wanted 1 or more`);
  const items = values.items === undefined ? undefined : Number(values.items);
  if (items !== undefined && !(Number.isInteger(items) && items > 0)) {
    throw usage(`--items is ${values.items}, wanted 1 or more`);
  }
  const pairs = values.pairs === undefined ? undefined : Number(values.pairs);
  if (pairs !== undefined && !(Number.isInteger(pairs) && pairs > 0)) {
    throw usage(`--pairs is ${values.pairs}, wanted 1 or more`);
  }
  return {
    name,
    seconds,
    threads,
    items,
    pairs,
    json: values.json,
    scenes: values.scenes,
    write: values.write,
    from: values.from,
    films: values.films,
  };
}

function parseOptions(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: "string" },
      threads: { type: "string", default: "1" },
      items: { type: "string" },
      pairs: { type: "string" },
      json: { type: "boolean", default: false },
      scenes: { type: "string", default: "" },
      write: { type: "boolean", default: false },
      from: { type: "string" },
      films: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

function usage(message: string): GradelineError {
  return new GradelineError("USAGE", message, { hint: "npm run bench -- --help" });
}
