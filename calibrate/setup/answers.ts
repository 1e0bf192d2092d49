import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createInterface } from "node:readline/promises";
import { GradelineError } from "../../device/base/errors.ts";
import type { CameraSearch } from "../../device/capture/camera-search.ts";

/** What the options give; each undefined where they do not. */
export interface SetupOptions {
  readonly device?: string;
  readonly broker?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly camera?: string;
  readonly lanes?: number;
  readonly frame?: string;
  readonly mmPerPx?: number;
  readonly gateMm?: number;
  readonly speed?: number;
  readonly conveyor?: "belt" | "cups";
  readonly pitch?: number;
  readonly windows?: number;
  readonly config: string;
  readonly replace?: boolean;
  readonly yes?: boolean;
  readonly start?: boolean;
}

/** Everything that a configuration is written from. */
export interface Answers {
  readonly device: string;
  readonly broker: string;
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
  /** `kind:name`, or `simulated`. */
  readonly camera: string;
  readonly lanes: number;
  /** Width and height of the picture, where they are known. */
  readonly frame: readonly [number, number] | undefined;
  readonly mmPerPx: number;
  readonly gateMm: number;
  readonly speed: number;
  readonly conveyor: "belt" | "cups";
  readonly pitch: number;
  readonly windows: number;
}

/** Asks one question. @returns the answer, or what stands for none */
export type Ask = (question: string, usual: string) => Promise<string>;

export const SIMULATED = "simulated";
const USUAL = { broker: "mqtt://127.0.0.1:1883", mmPerPx: 0.5, gateMm: 500, speed: 500, pitch: 120, windows: 5 };
const SIMULATED_FRAME = [1280, 720] as const;
/** What the simulated line is drawn with. */
const SIMULATED_LINE = { mmPerPx: 0.58, gateMm: 400, speed: 800 };

/** Completes the options: by questions, or by what is usual where nothing may be asked. */
export async function answersOf(options: SetupOptions, searches: readonly CameraSearch[], ask: Ask): Promise<Answers> {
  const device = options.device ?? (await ask("Name of this board in topics", boardName()));
  const broker = options.broker ?? (await ask("MQTT broker", USUAL.broker));
  const camera = options.camera ?? (await askCamera(searches, options.yes === true, ask));
  const usual = camera === SIMULATED ? { ...USUAL, ...SIMULATED_LINE } : USUAL;
  const conveyor = options.conveyor ?? conveyorOf(await ask("Conveyor, belt or cups", "belt"));
  const lanes = options.lanes ?? (await askNumber(ask, "Rows of fruit that it sees", 1));
  const speed = options.speed ?? (await askNumber(ask, "Speed of the conveyor, mm/s", usual.speed));
  const cups = conveyor === "cups";
  const pitch =
    options.pitch ?? (cups ? await askNumber(ask, "Distance between two cups, mm", usual.pitch) : usual.pitch);
  const windows =
    options.windows ?? (cups ? await askNumber(ask, "Cups that one picture shows whole", usual.windows) : 1);
  const mmPerPx = options.mmPerPx ?? (await askNumber(ask, "Millimetres that one pixel covers", usual.mmPerPx));
  const gateMm = options.gateMm ?? (await askNumber(ask, "From the picture's exit edge to the gate, mm", usual.gateMm));
  const size =
    lanes > 1 && camera !== SIMULATED
      ? (options.frame ?? (await ask("Size of its picture", "1280x720")))
      : options.frame;
  const frame = size === undefined ? (camera === SIMULATED ? SIMULATED_FRAME : undefined) : frameOf(size);
  const { username, passwordFile } = options;
  return {
    device,
    broker,
    username,
    passwordFile,
    camera,
    lanes,
    frame,
    mmPerPx,
    gateMm,
    speed,
    conveyor,
    pitch,
    windows,
  };
}

/** Asks on the terminal. @throws {GradelineError} USAGE where there is none and something must be asked */
export function terminalAsk(yes: boolean, stop: AbortSignal): Ask {
  if (yes) return async (_, usual) => usual;
  return async (question, usual) => {
    if (process.stdin.isTTY !== true) {
      throw new GradelineError("USAGE", `nobody can be asked: ${question}`, {
        hint: "give it as an option, or --yes to take what is usual: gradeline-calibrate setup --help",
      });
    }
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await lines.question(usual === "" ? `${question}: ` : `${question} [${usual}]: `, {
        signal: stop,
      });
      return answer.trim() === "" ? usual : answer.trim();
    } finally {
      lines.close();
    }
  };
}

async function askCamera(searches: readonly CameraSearch[], yes: boolean, ask: Ask): Promise<string> {
  const found = searches.flatMap(({ cameras }) => cameras);
  const choices = found.map(({ kind, name }) => `${kind === "gst" ? "usb" : kind}:${name}`);
  if (yes && choices.length !== 1) {
    const seen = choices.length === 0 ? "none is found" : `found ${choices.join(", ")}`;
    throw new GradelineError("USAGE", `which camera? ${seen}`, {
      hint: `--camera KIND:NAME, or --camera ${SIMULATED}`,
    });
  }
  for (const [index, { label }] of found.entries())
    process.stderr.write(`  ${index + 1}  ${choices[index]}  ${label}\n`);
  if (found.length === 0) {
    process.stderr.write("  no camera is found; what stands in its way:\n");
    for (const text of searches.flatMap(({ advice }) => advice)) process.stderr.write(`    ${text}\n`);
  }
  const answer = await ask(`Camera: a number, KIND:NAME, or ${SIMULATED}`, choices[0] ?? SIMULATED);
  return choices[Number(answer) - 1] ?? answer;
}

async function askNumber(ask: Ask, question: string, usual: number): Promise<number> {
  const text = await ask(question, String(usual));
  const value = Number(text.replace(",", "."));
  if (!(value > 0)) throw new GradelineError("USAGE", `${question}: found ${text}, wanted a number above 0`);
  return value;
}

function conveyorOf(text: string): "belt" | "cups" {
  if (text === "belt" || text === "cups") return text;
  throw new GradelineError("USAGE", `conveyor: found ${text}, wanted belt or cups`);
}

function frameOf(text: string): readonly [number, number] {
  const [, width, height] = /^(\d{2,5})\s*[x×]\s*(\d{2,5})$/.exec(text) ?? [];
  if (width !== undefined && height !== undefined) return [Number(width), Number(height)];
  throw new GradelineError("USAGE", `size of the picture: found ${text}, wanted WIDTHxHEIGHT such as 1280x720`);
}

/** The board's own name, as topics can have it. */
export function boardName(name: string = hostname()): string {
  const short = name
    .split(".")[0]!
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  return short.slice(0, 32) || "board";
}

/** Whether a configuration is the one that a fresh installation has: nothing is lost when it is replaced. */
export function isTemplate(path: string): boolean {
  try {
    return /^cameras: \[\]$/m.test(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}
