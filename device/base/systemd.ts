import type { Closable } from "./lifecycle.ts";
import type { Log } from "./log.ts";

/** What one stage of the work is doing. */
export interface Vital {
  readonly name: string;
  /** There is work that should get done. */
  readonly waiting: boolean;
  /** Grows with each piece that is done. */
  readonly done: number;
}

export interface RunningParts {
  /** One line for `systemctl status`. */
  status(): string;
  vitals(): readonly Vital[];
}

type Notify = (lines: string) => void;
type Environment = Readonly<Record<string, string | undefined>>;

/** What a stage that lasts may take until it says something again, microseconds. */
const EXTEND_US = 30_000_000;
const STATUS_MS = 5000;

/**
 * What the daemon tells systemd: how far its start is, that it runs, and that it is alive only while its work advances.
 * Without `NOTIFY_SOCKET` it tells nobody, and costs nothing.
 *
 * @see sd_notify(3), systemd.service(5) on `Type=notify` and `WatchdogSec=`
 */
export class Systemd implements Closable {
  readonly #notify: Notify | undefined;
  readonly #watchdogMs: number | undefined;
  readonly #log: Log;
  readonly #timers: NodeJS.Timeout[] = [];
  #status = "";

  private constructor(notify: Notify | undefined, watchdogMs: number | undefined, log: Log) {
    this.#notify = notify;
    this.#watchdogMs = watchdogMs;
    this.#log = log;
  }

  /** Without libsystemd the daemon runs all the same, and says why it cannot tell. */
  static async open(environment: Environment, log: Log): Promise<Systemd> {
    if (!environment.NOTIFY_SOCKET) return new Systemd(undefined, undefined, log);
    try {
      // Loaded only here: most who start the daemon by hand have no use for it.
      const { loadForGood } = await import("./ffi.ts");
      const send = loadForGood("libsystemd.so.0").func("int sd_notify(int unset, const char *state)");
      return new Systemd((lines) => void send(0, lines), watchdogOf(environment), log);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, "systemd cannot be told anything: libsystemd is missing");
      return new Systemd(undefined, undefined, log);
    }
  }

  /** Says what the start is at, and that it may take its time. To be called again while it lasts. */
  starting(what: string): void {
    this.#tell(`STATUS=${line(what)}\nEXTEND_TIMEOUT_USEC=${EXTEND_US}`);
  }

  /**
   * Everything runs. From here on the status is kept current, and the watchdog is fed while every stage that has work
   * gets some of it done.
   */
  running({ status, vitals }: RunningParts): void {
    if (this.#notify === undefined) return;
    this.#status = status();
    this.#tell(`READY=1\nSTATUS=${line(this.#status)}`);
    this.#timers.push(setInterval(() => this.#tellStatus(status()), STATUS_MS));
    if (this.#watchdogMs === undefined) return;
    const limitMs = this.#watchdogMs;
    const liveness = new Liveness(limitMs);
    let stalled: string | undefined;
    const feed = (): void => {
      const now = liveness.stalled(vitals(), performance.now());
      if (now === undefined) this.#tell("WATCHDOG=1");
      else if (stalled === undefined) {
        this.#log.error({ stage: now }, `${now} does not advance: the watchdog is not fed any more`);
        this.#tellStatus(`${now} does not advance`);
      }
      stalled = now;
    };
    feed();
    this.#timers.push(setInterval(feed, limitMs / 4));
  }

  stopping(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#tell("STOPPING=1\nSTATUS=handing over what was graded");
  }

  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  #tellStatus(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#tell(`STATUS=${line(status)}`);
  }

  #tell(lines: string): void {
    this.#notify?.(lines);
  }
}

/** Finds the stage that has had work for too long without getting any done. */
export class Liveness {
  readonly #limitMs: number;
  readonly #seen = new Map<string, { done: number; at: number }>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** @returns its name */
  stalled(vitals: readonly Vital[], nowMs: number): string | undefined {
    let found: string | undefined;
    for (const { name, waiting, done } of vitals) {
      const seen = this.#seen.get(name);
      if (seen === undefined || !waiting || seen.done !== done) this.#seen.set(name, { done, at: nowMs });
      else if (nowMs - seen.at >= this.#limitMs) found ??= name;
    }
    return found;
  }
}

/** Period of the watchdog in milliseconds, where it is meant for this process. */
function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: Environment): number | undefined {
  const us = Number(WATCHDOG_USEC);
  if (!(us > 0) || (WATCHDOG_PID && Number(WATCHDOG_PID) !== process.pid)) return undefined;
  return us / 1000;
}

/** A line break would end the field and begin another one. */
function line(text: string): string {
  return text.replace(/\s+/g, " ");
}
