import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nowMicros } from "../../../device/base/time.ts";
import type { ConfigInput } from "../../../device/config/schema.ts";
import type { ReasonCode } from "../../../device/contract/reasons.ts";
import type { Mosquitto } from "../../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../../support/daemon.ts";
import { smallLine } from "../../support/line-config.ts";
import { MosquittoSub, type SubHeard } from "../../support/mosquitto-sub.ts";
import { type AttackResult, Findings, numbered } from "../attack.ts";
import { notAVerdict } from "../kills.ts";

/** The state says what is wrong within this. */
export const STATE_MS = 10_000;
export type Mqtt = NonNullable<ConfigInput["mqtt"]>;

export const EARS = "ears";
/** Lines of an ACL. */
export const ALLOW_EARS = ["user ears", "topic readwrite #"];

/** A daemon that is led from broker to broker, and `mosquitto_sub` that hears what each of them passes on. */
export class BrokerLine {
  readonly findings = new Findings();
  readonly folder: string;
  readonly #close: () => Promise<void>;
  readonly #config: ConfigInput;
  readonly #ears: MosquittoSub[] = [];
  /** When it was sent to where it is, milliseconds since 1970. */
  #sentAtMs = 0;
  #sentAtLine = 0;
  daemon!: Daemon;

  private constructor(folder: string, close: () => Promise<void>, mqtt: Mqtt) {
    this.folder = folder;
    this.#close = close;
    this.#config = smallLine({ folder, brokerPort: 1, pace: "real", startAt: nowMicros(), more: { mqtt } });
  }

  /** @param mqtt where it begins; nowhere if absent */
  static async open(mqtt: Mqtt = { url: "mqtt://127.0.0.1:1" }): Promise<BrokerLine> {
    const { folder, close } = await daemonFolder();
    const line = new BrokerLine(folder, close, mqtt);
    line.daemon = await Daemon.start(folder, line.#config);
    await line.daemon.ready();
    return line;
  }

  /** Who listens now. */
  get ears(): MosquittoSub {
    return this.#ears.at(-1)!;
  }

  async listen(port: number, protocol: "5" | "311" = "5", filters = ["gradeline/board/#"]): Promise<MosquittoSub> {
    const ears = await MosquittoSub.start({ port, filters, username: EARS, protocol });
    this.#ears.push(ears);
    return ears;
  }

  /** Sends the daemon to another broker, by SIGHUP, as an operator would. */
  async goTo(mqtt: Mqtt): Promise<void> {
    const config = { ...this.#config, mqtt };
    const from = this.daemon.log.length;
    this.#sentAtMs = Date.now();
    await writeFile(join(this.folder, "gradeline.yaml"), JSON.stringify(config, null, 2));
    this.daemon.process.kill("SIGHUP");
    await this.daemon.until((line) => line.msg === "configuration read again" && this.daemon.log.indexOf(line) >= from);
    this.#sentAtLine = this.daemon.log.length;
  }

  /** More verdicts than now, of a lane or of any. */
  async more(count: number, lane = ""): Promise<void> {
    const { ears } = this;
    const suffix = `${lane}/verdict`;
    const from = ears.on(suffix).length;
    await ears.until(() => ears.on(suffix).length >= from + count || undefined, {
      what: `${count} verdicts more${lane === "" ? "" : ` of ${lane}`}`,
    });
  }

  /** The causes that the state names now. */
  causes(): { readonly code: ReasonCode; readonly topic?: string; readonly hint: string }[] {
    const state = this.ears.latest("board/state") as { causes?: ReturnType<BrokerLine["causes"]> } | undefined;
    return state?.causes ?? [];
  }

  /** Waits until the state says it, and notes after how long. @param topic its end, where it is about one */
  async says(what: string, code: ReasonCode, topic = ""): Promise<void> {
    const since = performance.now();
    await this.ears.until(
      () => this.causes().some((cause) => cause.code === code && (cause.topic ?? "").endsWith(topic)) || undefined,
      { what: `${what}: the state says ${code} ${topic}` },
    );
    this.noted(what, code, performance.now() - since);
  }

  noted(what: string, code: string, ms: number): void {
    const { findings } = this;
    findings.said.push(`${what}: ${code} after ${(ms / 1000).toFixed(1)} s`);
    if (ms > STATE_MS) findings.wrong.push(`${what}: the state says ${code} after ${Math.round(ms)} ms`);
  }

  /**
   * Counts how long the longest of these verdicts waited from its decision to its receiver; not those from before the
   * daemon was sent to this broker. How long is a figure that goes by the machine; that the connection ended is wrong.
   */
  waited(what: string, heard: readonly Pick<SubHeard, "atMs" | "topic" | "text">[]): void {
    for (const { atMs, topic, text } of heard) {
      if (!topic.endsWith("/verdict")) continue;
      const decidedAt = Date.parse((JSON.parse(text) as { decidedAt: string }).decidedAt);
      if (decidedAt < this.#sentAtMs) continue;
      this.findings.waitS = Math.max(this.findings.waitS ?? 0, (atMs - decidedAt) / 1000);
    }
    for (const { msg, reason } of this.daemon.log.slice(this.#sentAtLine)) {
      if (/trying on/.test(msg)) this.findings.wrong.push(`${what}: the connection ended: ${reason}`);
    }
  }

  /** Until every number that was given has been heard. */
  async whole(): Promise<void> {
    await this.ears.until(() => this.#numbered().missing.length === 0 || undefined, { what: "every number" });
  }

  close(): Promise<void> {
    return this.#closeAll();
  }

  result(count: number): AttackResult {
    this.findings.add(this.#numbered());
    return this.findings.result(count);
  }

  #numbered(): ReturnType<typeof numbered> {
    return numbered(
      this.#ears.flatMap(({ heard }) => heard),
      notAVerdict,
    );
  }

  async #closeAll(): Promise<void> {
    await this.daemon.kill();
    for (const ears of this.#ears) await ears.close();
    await this.#close();
  }
}

/** The cases of a part of the rounds, spread over all. */
export function spread<T>(cases: readonly T[], rounds: number): T[] {
  return Array.from({ length: rounds }, (_, n) => cases[Math.floor((n * cases.length) / rounds)]!);
}

export function urlOf({ port }: { readonly port: number }): string {
  return `mqtt://127.0.0.1:${port}`;
}

/** Closes what an attack opened, the newest first, whatever came. */
export async function withParts<T>(
  work: (keep: <P extends { close(): Promise<unknown> }>(part: P) => P) => Promise<T>,
) {
  const parts: { close(): Promise<unknown> }[] = [];
  try {
    return await work((part) => {
      parts.push(part);
      return part;
    });
  } finally {
    for (const part of parts.reverse()) await part.close();
  }
}

export type { Mosquitto };
