import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ConfigInput } from "../../device/config/schema.ts";
import { loadModel } from "../../device/embed/model.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { TINY } from "./embedder-tiny.ts";
import { galleryOf, randomReference } from "./gallery-made.ts";
import { Bell, inTime } from "./wait.ts";

export interface DaemonLine {
  readonly level: string;
  readonly msg: string;
  readonly url?: string;
  readonly reasons?: readonly string[];
  readonly reason?: string;
  readonly camera?: string;
}

export interface DaemonEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `device/main.ts` in a process of its own, as an operator starts it. */
export class Daemon {
  readonly process: ChildProcess;
  /** Lines of the log. */
  readonly log: DaemonLine[] = [];
  /** What stands on standard error and is no log. */
  readonly errors: string[] = [];
  readonly ended: Promise<DaemonEnd>;
  #over: DaemonEnd | undefined;
  readonly #bell = new Bell();

  private constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.process = spawn(process.execPath, ["device/main.ts", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.process.stdout!.resume();
    createInterface({ input: this.process.stderr! }).on("line", (line) => {
      if (line.startsWith("{")) this.log.push(JSON.parse(line) as DaemonLine);
      else this.errors.push(line);
      this.#bell.ring();
    });
    this.ended = new Promise((resolve) => {
      // `close`, not `exit`: everything that it said has been read then.
      this.process.once("close", (code, signal) => {
        this.#over = { code, signal };
        this.#bell.ring();
        resolve(this.#over);
      });
    });
  }

  /** Writes the configuration into the folder and starts a daemon with it. JSON is YAML, too. */
  static async start(
    folder: string,
    config: ConfigInput | object,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Daemon> {
    const path = join(folder, "gradeline.yaml");
    await writeFile(path, JSON.stringify(config, null, 2));
    return new Daemon(["--config", path, ...args], environment);
  }

  /** Starts one whose end is all that matters. */
  static async toTheEnd(
    folder: string,
    config: object,
    args?: readonly string[],
  ): Promise<DaemonEnd & { text: string }> {
    const daemon = await Daemon.start(folder, config, args);
    const end = await inTime(daemon.ended, "the daemon's end", () => daemon.#said()).catch((error: unknown) => {
      // Left running it would keep the test's process from ending.
      daemon.process.kill("SIGKILL");
      throw error;
    });
    return { ...end, text: daemon.errors.join("\n") };
  }

  /** Resolves with the first line of the log for which `look` holds. @throws when the daemon ended before */
  async until(look: (line: DaemonLine) => boolean): Promise<DaemonLine> {
    let at = 0;
    const next = () => {
      for (; at < this.log.length; at++) if (look(this.log[at]!)) return this.log[at]!;
      if (this.#over === undefined) return undefined;
      throw new Error(`the daemon ended with ${JSON.stringify(this.#over)}: ${this.errors.join("\n")}`);
    };
    return this.#bell.until(next, () => this.#said(), { what: `a line of the log: ${look}` });
  }

  /** Resolves with the page's address when everything runs. */
  async ready(): Promise<string> {
    return (await this.until(({ msg }) => msg === "page")).url!;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<DaemonEnd> {
    if (this.#over === undefined) this.process.kill(signal);
    return inTime(this.ended, `the daemon's end after ${signal}`, () => this.#said());
  }

  #said(): unknown[] {
    return [...this.errors, ...this.log.map((line) => JSON.stringify(line))];
  }
}

/** A folder for one daemon, with a gallery that the tiny model fits; what it says of grades means nothing. */
export async function daemonFolder(): Promise<{ folder: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-daemon-"));
  await saveTinyGallery(join(folder, "gallery"), 6);
  return { folder, close: () => rm(folder, { recursive: true, force: true }) };
}

/** Saves so many made-up references; as often as wanted. */
export async function saveTinyGallery(gallery: string, items: number): Promise<void> {
  const { model } = await loadModel(TINY);
  const references = Array.from({ length: items }, (_, item) =>
    randomReference(item, ["sound", "second", "reject"][item % 3]!, 3, model.dimension),
  );
  const writer = await GalleryWriter.open(gallery);
  await writer.save(galleryOf(references, model), model.name);
  writer.close();
}
