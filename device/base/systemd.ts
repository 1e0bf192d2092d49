import { setTimeout as wait } from "node:timers/promises";
import { getSystemErrorName } from "node:util";
import { GradelineError } from "./errors.ts";
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

type Notify = (lines: string) => number;
type Environment = Readonly<Record<string, string | undefined>>;

/** What a stage that lasts may take until it says something again, microseconds. */
const EXTEND_US = 30_000_000;
const STATUS_MS = 5000;
/** systemd reads its socket at once; one that takes nothing for so long is read by nobody. */
const DEAF_MS = 4000;
const AGAIN_MS = 50;

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
  /** What the last lines were not sent for. */
  #failure = 0;

  private constructor(notify: Notify | undefined, watchdogMs: number | undefined, log: Log) {
    this.#notify = notify;
    this.#watchdogMs = watchdogMs;
    this.#log = log;
  }

  /**
   * Opens the way to systemd, where `NOTIFY_SOCKET` names one.
   *
   * @throws {GradelineError} SYSTEMD, within five seconds, where nothing can be told through it: systemd would wait for
   *   READY in vain, stop the daemon, start it again, and so on
   */
  static async open(environment: Environment, log: Log): Promise<Systemd> {
    const address = environment.NOTIFY_SOCKET;
    if (!address) return new Systemd(undefined, undefined, log);
    let send: Notify;
    try {
      // Loaded only here: most who start the daemon by hand have no use for it.
      send = (await import("./notify-socket.ts")).openNotifySocket(address).send;
    } catch (error) {
      throw unusable(address, (error as Error).message, error);
    }
    for (const since = performance.now(); ; ) {
      const failure = send("STATUS=starting");
      if (failure === 0) return new Systemd(send, watchdogOf(environment), log);
      const name = getSystemErrorName(-failure);
      const full = name === "EAGAIN" || name === "ENOBUFS";
      if (!full) throw unusable(address, name);
      if (performance.now() - since > DEAF_MS) throw unusable(address, `nobody reads it for ${DEAF_MS / 1000} s`);
      await wait(AGAIN_MS);
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

  /**
   * The configuration is read again; systemd takes the next READY for the end of it.
   *
   * @param work what is done meanwhile
   */
  async reloading(work: () => Promise<void>): Promise<void> {
    // systemd holds this against the time of its own request: the clock that both of them read.
    this.#tell(
      `RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}\nSTATUS=reading the configuration again`,
    );
    try {
      await work();
    } finally {
      this.#tell(`READY=1\nSTATUS=${line(this.#status)}`);
    }
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
    const failure = this.#notify?.(lines) ?? 0;
    if (failure !== 0 && failure !== this.#failure) {
      this.#log.warn({ reason: getSystemErrorName(-failure) }, "systemd cannot be told how it goes");
    }
    this.#failure = failure;
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

function unusable(address: string, found: string, cause?: unknown): GradelineError {
  return new GradelineError("SYSTEMD", `NOTIFY_SOCKET ${address} cannot be used: ${found}`, {
    hint: "start it by `systemctl start gradeline`; by hand: env -u NOTIFY_SOCKET gradeline --config FILE",
    cause,
  });
}

/** A line break would end the field and begin another one. */
function line(text: string): string {
  return text.replace(/\s+/g, " ");
}
