import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { nowMicros } from "../../device/base/time.ts";
import type { ConfigInput } from "../../device/config/schema.ts";
import { Gate } from "../support/broker-gate.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { smallLine } from "../support/line-config.ts";
import { Subscriber } from "../support/subscriber.ts";
import { type Attack, Findings, numbered } from "./attack.ts";
import { notAVerdict } from "./kills.ts";

const LIBRARY = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
/** The state says what is wrong within this. */
const STATE_MS = 10_000;
const CLOCKS = ["-2d", "+0", "+90d", "-1h", "+3s", "-400d"];

/** A daemon, its broker and whoever listens, for as long as an attack lasts. */
class Line {
  readonly findings = new Findings();
  readonly folder: string;
  readonly broker: Mosquitto;
  readonly gate: Gate;
  readonly #config: ConfigInput;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #heard: Subscriber[] = [];
  daemon!: Daemon;

  constructor(folder: string, broker: Mosquitto, gate: Gate, environment: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.broker = broker;
    this.gate = gate;
    this.#environment = environment;
    this.#config = smallLine({ folder, brokerPort: gate.port, pace: "real", startAt: nowMicros() });
    // The line that is simulated begins when the daemon does, by whatever clock.
    if (environment.LD_PRELOAD !== undefined) {
      for (const { source } of this.#config.cameras ?? []) delete (source as { startAt?: number }).startAt;
    }
  }

  get ears(): Subscriber {
    return this.#heard.at(-1)!;
  }

  get journal(): string {
    return join(this.folder, "journal.sqlite");
  }

  async listen(): Promise<void> {
    this.#heard.push(await Subscriber.connect(this.broker.port, ["gradeline/board/#"]));
  }

  async start(): Promise<void> {
    this.daemon = await Daemon.start(this.folder, this.#config, [], this.#environment);
  }

  /** More verdicts than now. */
  async more(count: number): Promise<void> {
    const { ears } = this;
    const from = ears.on("/verdict").length;
    await ears.until(() => ears.on("/verdict").length >= from + count || undefined);
  }

  /** The state says it in time. */
  async says(code: string, what: string): Promise<void> {
    const since = performance.now();
    const { ears } = this;
    await ears.until(() => {
      const { causes } = (ears.json("board/state").at(-1) ?? { causes: [] }) as { causes: { code: string }[] };
      return causes.some((cause) => cause.code === code) || undefined;
    });
    const ms = performance.now() - since;
    if (ms > STATE_MS) this.findings.wrong.push(`${what}: the state says ${code} after ${Math.round(ms)} ms`);
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
    const { journal } = await ears.until(() => ears.json("board/health").at(-1) as unknown as Health | undefined);
    findings.add(
      numbered(
        this.#heard.flatMap(({ heard }) => heard),
        notAVerdict,
      ),
      journal.lost + journal.damaged + journal.dropped + journal.skipped,
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

function onLine(
  name: string,
  count: number,
  round: (line: Line, n: number) => Promise<void>,
  environment: (folder: string) => Readonly<Record<string, string>> = () => ({}),
): Attack {
  return {
    name,
    count,
    skip: withoutMosquitto,
    async run(rounds, tell) {
      const { folder, close } = await daemonFolder();
      const broker = await Mosquitto.start();
      const line = new Line(folder, broker, await Gate.to(broker.port), environment(folder));
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
      } finally {
        await line.close();
        await close();
      }
      return line.findings.result(rounds);
    },
  };
}

async function brokerBack(line: Line): Promise<void> {
  await line.broker.start();
  await line.listen();
  line.gate.open();
}

const killBroker = onLine("kill-broker", 50, async (line) => {
  line.gate.shut();
  await line.broker.kill("SIGKILL");
  await brokerBack(line);
  await line.more(2);
});

const killBoth = onLine("kill-both", 20, async (line) => {
  await Promise.all([line.daemon.kill("SIGKILL"), line.broker.kill("SIGKILL")]);
  await line.broker.start();
  await line.listen();
  await line.start();
  await line.more(2);
});

const cuts = onLine("cut-network", 40, async (line) => {
  line.gate.shut();
  line.gate.open();
  await line.more(2);
});

/** A limit on the size of files makes the disk refuse every write. */
const fullDisk = onLine("full-disk", 10, async (line) => {
  const pid = String(line.daemon.process.pid);
  execFileSync("prlimit", ["--pid", pid, "--fsize=64:unlimited"]);
  await line.says("journal-disk", "full disk");
  execFileSync("prlimit", ["--pid", pid, "--fsize=unlimited"]);
  await line.more(3);
});

const damageRunning = onLine("damage-running", 20, async (line, n) => {
  const { journal } = line;
  const what = ["loss", "cut", "noise", "cut log"][n % 4]!;
  if (what === "loss") rmSync(journal);
  else if (what === "cut") truncateSync(journal, Math.floor(statSync(journal).size / 2));
  else if (what === "cut log") truncateSync(`${journal}-wal`, 0);
  else {
    const fd = openSync(journal, "r+");
    writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, 4096 * (n % 8));
    closeSync(fd);
  }
  if (what === "loss" || what === "cut") await line.says("journal-damaged", what);
  await line.more(3);
});

const setClock = onLine(
  "set-clock",
  12,
  async (line, n) => {
    writeFileSync(join(line.folder, "clock"), `${CLOCKS[n % CLOCKS.length]}\n`);
    await line.says("clock", "a clock that is set");
    await line.more(2);
  },
  (folder) => {
    writeFileSync(join(folder, "clock"), `${CLOCKS[0]}\n`);
    return {
      LD_PRELOAD: LIBRARY!,
      FAKETIME_TIMESTAMP_FILE: join(folder, "clock"),
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  },
);

/** All that need a running line. */
export const lineAttacks: readonly Attack[] = [
  killBroker,
  killBoth,
  cuts,
  fullDisk,
  damageRunning,
  { ...setClock, skip: setClock.skip || (LIBRARY === undefined && "needs the package faketime") },
];
