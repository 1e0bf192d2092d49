import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { Bell } from "./wait.ts";

const PATHS = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"];

/** Where the broker's program is; undefined where it is not installed. */
export const mosquittoPath: string | undefined = PATHS.find((path) => existsSync(path));

/** For the `skip` option of a test. */
export const withoutMosquitto: string | false =
  mosquittoPath === undefined ? "needs the package mosquitto (apt-get install mosquitto)" : false;

/** A real broker in a process of its own, on a loopback port that it keeps over restarts. */
export class Mosquitto {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #said = "";
  readonly #bell = new Bell();

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  /** @param settings lines of mosquitto.conf; `%` stands for the folder, which also holds `files` */
  static async prepare(settings: readonly string[] = [], files: Record<string, string> = {}): Promise<Mosquitto> {
    const folder = await mkdtemp(join(tmpdir(), "gradeline-mosquitto-"));
    const port = await freePort();
    const lines = [
      `listener ${port} 127.0.0.1`,
      "user root",
      "persistence false",
      "set_tcp_nodelay true",
      "log_dest stderr",
      ...settings,
    ];
    if (!settings.some((line) => line.startsWith("allow_anonymous"))) lines.push("allow_anonymous true");
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
    await writeFile(join(folder, "mosquitto.conf"), `${lines.join("\n").replaceAll("%", folder)}\n`);
    return new Mosquitto(port, folder);
  }

  static async start(settings: readonly string[] = [], files: Record<string, string> = {}): Promise<Mosquitto> {
    const broker = await Mosquitto.prepare(settings, files);
    await broker.start();
    return broker;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const child = spawn(mosquittoPath!, ["-c", join(this.#folder, "mosquitto.conf")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stderr!.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        // Logged once its listeners are open.
        if (/mosquitto version \S+ running/.test(said)) resolve();
      });
      child.once("exit", (code) => reject(new Error(`mosquitto ended with ${code}: ${said}`)));
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk).slice(-10_000);
      this.#bell.ring();
    });
  }

  /** Lets it read its configuration and ACL again. */
  async reload(): Promise<void> {
    this.#said = "";
    this.#process!.kill("SIGHUP");
    await this.#bell.until(
      () => this.#said.includes("Reloading config") || undefined,
      () => this.#said,
    );
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    await exited;
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
