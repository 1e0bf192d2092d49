import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Bell, inTime, type WaitOptions } from "./wait.ts";

/** A message with the moment at which the program had it. */
export interface SubHeard {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** It lay at the broker before the program asked. */
  readonly retained: boolean;
  readonly topic: string;
  readonly text: string;
  readonly payload: Buffer;
}

interface SubOptions {
  readonly port: number;
  readonly filters: readonly string[];
  readonly username?: string;
  /** 5 where absent. */
  readonly protocol?: "5" | "311";
}

/**
 * `mosquitto_sub`, a program of others that hears what a plant hears, in a process of its own: however busy the test
 * is, the moments are right.
 */
export class MosquittoSub {
  readonly heard: SubHeard[] = [];
  readonly #process: ChildProcess;
  readonly #bell = new Bell();
  readonly #ended: Promise<unknown>;
  #said = "";
  #listens = false;

  private constructor(args: readonly string[]) {
    // Line by line: it keeps its own words to itself otherwise until a message comes.
    this.#process = spawn("stdbuf", ["-oL", "mosquitto_sub", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process.stderr!.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk).slice(-1000);
    });
    this.#ended = new Promise((resolve) => this.#process.once("close", resolve).once("error", resolve));
    createInterface({ input: this.#process.stdout! }).on("line", (line) => {
      // What `-d` says; the rest are messages.
      if (line.startsWith("Subscribed ")) this.#listens = true;
      this.#bell.ring();
      const [at, retained, topic, hex] = line.split("\t");
      if (hex === undefined) return;
      const payload = Buffer.from(hex, "hex");
      const text = payload.toString();
      this.heard.push({ atMs: Number(at) * 1000, retained: retained === "1", topic: topic!, text, payload });
      this.#bell.ring();
    });
  }

  static async start({ port, filters, username, protocol = "5" }: SubOptions): Promise<MosquittoSub> {
    const args = ["-h", "127.0.0.1", "-p", String(port), "-V", protocol === "5" ? "mqttv5" : "mqttv311", "-q", "1"];
    if (username !== undefined) args.push("-u", username);
    for (const filter of filters) args.push("-t", filter);
    const sub = new MosquittoSub([...args, "-d", "-F", "%U\t%r\t%t\t%x"]);
    await sub.until(() => sub.#listens || undefined, { what: "mosquitto_sub listens" });
    return sub;
  }

  on(suffix: string): SubHeard[] {
    return this.heard.filter(({ topic }) => topic.endsWith(suffix));
  }

  /** The newest message of a topic as JSON. */
  latest(suffix: string): Record<string, unknown> | undefined {
    const found = this.heard.findLast(({ topic }) => topic.endsWith(suffix));
    return found === undefined ? undefined : (JSON.parse(found.text) as Record<string, unknown>);
  }

  async until<T>(look: () => T | undefined, options: WaitOptions = {}): Promise<T> {
    const came = () => [this.#said, ...this.heard.map(({ topic, text }) => `${topic} ${text.slice(0, 300)}`)];
    return this.#bell.until(look, came, options);
  }

  async close(): Promise<void> {
    this.#process.kill();
    await inTime(this.#ended, "the end of mosquitto_sub", () => this.#said);
  }
}
