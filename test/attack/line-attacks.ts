import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { AedesBroker } from "../support/broker-aedes.ts";
import { Subscriber } from "../support/subscriber.ts";
import type { Attack } from "./attack.ts";
import { type Line, type LineOptions, onLine } from "./line.ts";

const LIBRARY = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
const CLOCKS = ["-2d", "+0", "+90d", "-1h", "+3s", "-400d"];

async function brokerBack(line: Line): Promise<void> {
  await line.broker.start();
  await line.listen();
  line.gate.open();
  await line.runs("the broker is back");
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
  await line.daemon.ready();
  await line.runs("both are back");
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
  await line.saysNoMore("journal-disk", "room again");
});

/** A disk of a few megabytes of its own, for the journal and what lies beside it. */
const SMALL_DISK: LineOptions = {
  more: (folder) => ({ journal: { path: join(folder, "disk", "journal.sqlite") } }),
  prepare: (folder) => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", disk]);
    return () => execFileSync("umount", ["--lazy", disk]);
  },
};

/** @returns makes room again */
async function fill(line: Line): Promise<() => void> {
  const ballast = join(dirname(line.journal), "ballast");
  const more = (): void => {
    try {
      for (let part = 0; part < 1024; part++) writeFileSync(ballast, Buffer.alloc(4096, 1), { flag: "a" });
    } catch {
      // Full.
    }
  };
  more();
  // What the daemon gives back of its own would last for a minute.
  const again = setInterval(more, 100);
  const end = (): void => {
    clearInterval(again);
    rmSync(ballast);
  };
  try {
    await line.says("journal-disk", "a full disk of 4 MB");
  } catch (error) {
    end();
    throw error;
  }
  return end;
}

const smallDisk = onLine(
  "small-disk",
  10,
  async (line) => {
    const empty = await fill(line);
    empty();
    await line.more(3);
    await line.saysNoMore("journal-disk", "room again");
  },
  SMALL_DISK,
);

/** Verdicts wait in memory, with their numbers, when the daemon is killed: the next start tells how many. */
const killWaiting = onLine(
  "kill-while-waiting",
  10,
  async (line) => {
    const before = await line.told();
    const empty = await fill(line);
    await line.ears.until(() => {
      const { journal } = (line.ears.json("board/health").at(-1) ?? {}) as { journal?: { waiting: number } };
      return (journal !== undefined && journal.waiting >= 2) || undefined;
    });
    await line.daemon.kill("SIGKILL");
    empty();
    await line.start();
    await line.daemon.ready();
    await line.says("journal-damaged", "verdicts in memory were lost");
    const lost = (await line.told()) - before;
    if (lost < 2) line.findings.wrong.push(`${lost} verdicts told as lost, at least 2 waited in memory`);
    await line.more(2);
  },
  SMALL_DISK,
);

/** A further broker is away while the daemon is killed again and again; then both have the same. */
function killsWithoutOne(): Attack {
  let port = 0;
  return onLine(
    "further-broker-away",
    20,
    async (line) => {
      await line.daemon.kill("SIGKILL");
      await line.start();
      await line.daemon.ready();
      await line.runs("the daemon is back");
      await line.more(2);
    },
    {
      prepare: () => {
        port = 20_000 + (process.pid % 10_000);
        return () => {};
      },
      more: () => ({ brokers: [{ name: "cloud", url: `mqtt://127.0.0.1:${port}`, topic: "cloud/{lane}/verdict" }] }),
      after: async (line) => {
        const second = await AedesBroker.start(port);
        const ears = await Subscriber.connect(second.port, ["#"], { protocolVersion: 4 });
        const numbers = (text: Subscriber, lane: string): Set<number> =>
          new Set(text.json(`${lane}/verdict`).map(({ seq }) => Number(seq)));
        for (const lane of ["belt", "cups"]) {
          const last = Math.max(...numbers(line.ears, lane));
          await ears.until(() => numbers(ears, lane).has(last) || undefined);
          // The newest come first, and those that waited beside them.
          await ears.until(() => numbers(ears, lane).size >= last || undefined);
          for (let seq = 1; seq <= last; seq++) {
            if (!numbers(ears, lane).has(seq)) line.findings.wrong.push(`the further broker has no ${lane}/${seq}`);
          }
        }
        await ears.close();
        await second.close();
      },
    },
  );
}

/** Root may mount a disk, but not in every container. */
function withoutMount(): string | false {
  const tried = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
  return tried.status !== 0 && "needs to be root, and a machine that lets it mount";
}

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
  {
    environment: (folder) => {
      writeFileSync(join(folder, "clock"), `${CLOCKS[0]}\n`);
      return {
        LD_PRELOAD: LIBRARY!,
        FAKETIME_TIMESTAMP_FILE: join(folder, "clock"),
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      };
    },
  },
);

/** All that need a running line. */
export const lineAttacks: readonly Attack[] = [
  killBroker,
  killBoth,
  cuts,
  // Where no disk can be mounted the limit on the size of files stands for it.
  ...(withoutMount() === false ? [smallDisk, killWaiting] : []),
  fullDisk,
  killsWithoutOne(),
  damageRunning,
  { ...setClock, skip: setClock.skip || (LIBRARY === undefined && "needs the package faketime") },
];
