import { join } from "node:path";
import { nowMicros } from "../../device/base/time.ts";
import type { ConfigInput } from "../../device/config/schema.ts";
import type { StateMessage } from "../../device/contract/messages.ts";
import { Gate } from "../support/broker-gate.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { smallLine } from "../support/line-config.ts";
import { Subscriber } from "../support/subscriber.ts";
import { type Attack, Findings, numbered } from "./attack.ts";
import { notAVerdict } from "./kills.ts";

/** The state says what is wrong, and that all is well again, within this. */
const STATE_MS = 10_000;
/** A reason that comes and goes stays ten seconds longer. */
const HELD_MS = 10_000;

/** A daemon, its broker and whoever listens, for as long as an attack lasts. */
export class Line {
  readonly findings = new Findings();
  readonly folder: string;
  readonly broker: Mosquitto;
  readonly gate: Gate;
  readonly #config: ConfigInput;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #heard: Subscriber[] = [];
  daemon!: Daemon;

  constructor(folder: string, broker: Mosquitto, gate: Gate, options: LineOptions) {
    const environment = options.environment?.(folder) ?? {};
    this.folder = folder;
    this.broker = broker;
    this.gate = gate;
    this.#environment = environment;
    const more = options.more?.(folder) ?? {};
    this.#config = smallLine({ folder, brokerPort: gate.port, pace: "real", startAt: nowMicros(), more });
    // The line that is simulated begins when the daemon does, by whatever clock.
    if (environment.LD_PRELOAD !== undefined) {
      for (const { source } of this.#config.cameras ?? []) delete (source as { startAt?: number }).startAt;
    }
  }

  get ears(): Subscriber {
    return this.#heard.at(-1)!;
  }

  get journal(): string {
    return this.#config.journal?.path ?? join(this.folder, "journal.sqlite");
  }

  async listen(): Promise<void> {
    this.#heard.push(await Subscriber.connect(this.broker.port, ["gradeline/board/#"]));
  }

  async start(): Promise<void> {
    this.daemon = await Daemon.start(this.folder, this.#config, [], this.#environment);
  }

  get #states(): StateMessage[] {
    return this.ears.json("board/state") as unknown as StateMessage[];
  }

  /** Resolves once the state is as asked. @param ms within so much; later counts as wrong */
  async state(what: string, look: (state: StateMessage) => boolean, ms = STATE_MS): Promise<void> {
    const since = performance.now();
    await this.ears.until(() => {
      const newest = this.#states.at(-1);
      return (newest !== undefined && look(newest)) || undefined;
    });
    const took = performance.now() - since;
    if (took > ms) this.findings.wrong.push(`${what} after ${Math.round(took)} ms`);
  }

  /** The state is that of a daemon that runs. */
  runs(after: string): Promise<void> {
    return this.state(
      `${after}: the state says that it runs`,
      ({ state }) => state === "online" || state === "degraded",
    );
  }

  /** More verdicts than now. */
  async more(count: number): Promise<void> {
    const { ears } = this;
    const from = ears.on("/verdict").length;
    await ears.until(() => ears.on("/verdict").length >= from + count || undefined);
  }

  /** The state says it in time. */
  says(code: string, what: string): Promise<void> {
    return this.state(`${what}: the state says ${code}`, ({ causes }) => causes.some((cause) => cause.code === code));
  }

  /** And no more, once it is over. */
  saysNoMore(code: string, what: string): Promise<void> {
    const look = ({ causes }: StateMessage): boolean => causes.every((cause) => cause.code !== code);
    return this.state(`${what}: the state says ${code} no more`, look, STATE_MS + HELD_MS);
  }

  /** Counts of the journal as `health` says them. */
  async told(): Promise<number> {
    const from = this.ears.json("board/health").length;
    await this.ears.until(() => this.ears.json("board/health").length > from || undefined);
    const { journal } = this.ears.json("board/health").at(-1) as unknown as Health;
    return journal.lost + journal.damaged + journal.dropped + journal.skipped;
  }

  /** Asks for all that is kept, and holds all that was ever heard against what is promised. */
  async judge(): Promise<void> {
    const { ears, findings } = this;
    for (const lane of ["belt", "cups"]) {
      await ears.ask(`gradeline/board/request/replay`, JSON.stringify({ lane, transaction: lane }));
    }
    const answers = await ears.count("/response/replay", 2);
    const asked = answers.reduce((sum, { text }) => sum + (JSON.parse(text).data?.count ?? 0), 0);
    await ears.until(
      () => ears.json("/verdict").filter(({ backlog }) => backlog === true).length >= asked || undefined,
    );
    const told = await this.told();
    findings.add(
      numbered(
        this.#heard.flatMap(({ heard }) => heard),
        notAVerdict,
      ),
      told,
    );
  }

  async close(): Promise<void> {
    await this.daemon.kill();
    for (const ears of this.#heard) await ears.close();
    await this.gate.close();
    await this.broker.close();
  }
}

interface Health {
  readonly journal: {
    readonly lost: number;
    readonly damaged: number;
    readonly dropped: number;
    readonly skipped: number;
  };
}

export interface LineOptions {
  /** Of the daemon. */
  readonly environment?: (folder: string) => Readonly<Record<string, string>>;
  /** Changes the configuration. */
  readonly more?: (folder: string) => Partial<ConfigInput>;
  /** Runs before anything else. @returns undoes it */
  prepare?(folder: string): () => void;
  /** When all has been held against what is promised. */
  after?(line: Line): Promise<void>;
}

export function onLine(
  name: string,
  count: number,
  round: (line: Line, n: number) => Promise<void>,
  options: LineOptions = {},
): Attack {
  return {
    name,
    count,
    skip: withoutMosquitto,
    async run(rounds, tell) {
      const { folder, close } = await daemonFolder();
      const broker = await Mosquitto.start();
      const unmount = options.prepare?.(folder) ?? (() => {});
      const line = new Line(folder, broker, await Gate.to(broker.port), options);
      try {
        await line.listen();
        await line.start();
        await line.more(1);
        for (let n = 1; n <= rounds; n++) {
          await round(line, n);
          tell(`${name} ${n}/${rounds}`);
        }
        await line.more(2);
        await line.judge();
        await options.after?.(line);
      } finally {
        await line.close();
        unmount();
        await close();
      }
      return line.findings.result(rounds);
    },
  };
}
