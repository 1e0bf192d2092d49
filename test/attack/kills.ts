import { nowMicros } from "../../device/base/time.ts";
import { verdictSchema } from "../../device/contract/messages.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { smallLine } from "../support/line-config.ts";
import { Subscriber } from "../support/subscriber.ts";
import { type Attack, Findings, numbered } from "./attack.ts";

const STATE_MS = 10_000;

/** Whether a message is a verdict of the contract; the reason where not. */
export function notAVerdict(message: unknown): string | undefined {
  const { error } = verdictSchema.safeParse(message);
  return error?.issues.map(({ path, message: text }) => `${path.join(".")}: ${text}`).join("; ");
}

/** The daemon is killed with SIGKILL in the middle of its work and started again. */
export const killDaemon: Attack = {
  name: "kill-daemon",
  count: 100,
  skip: withoutMosquitto,
  async run(count, tell) {
    const findings = new Findings();
    const { folder, close } = await daemonFolder();
    const broker = await Mosquitto.start();
    const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
    const config = smallLine({ folder, brokerPort: broker.port, pace: "real", startAt: nowMicros() });
    try {
      for (let round = 1; round <= count; round++) {
        const daemon = await Daemon.start(folder, config);
        await daemon.ready();
        const since = performance.now();
        await ears.until(
          () => ["online", "degraded"].includes(String(ears.json("board/state").at(-1)?.state)) || undefined,
        );
        const ms = performance.now() - since;
        if (ms > STATE_MS) findings.wrong.push(`the state says that it runs after ${Math.round(ms)} ms`);
        const from = ears.on("/verdict").length;
        // Each round at another moment of its work.
        await ears.until(() => ears.on("/verdict").length > from + (round % 5) || undefined);
        await daemon.kill("SIGKILL");
        const killed = performance.now();
        await ears.until(() => ears.json("board/state").at(-1)?.state === "offline" || undefined);
        const gone = performance.now() - killed;
        if (gone > STATE_MS) findings.wrong.push(`the state says that it is gone after ${Math.round(gone)} ms`);
        tell(`kill-daemon ${round}/${count}`);
      }
      const daemon = await Daemon.start(folder, config);
      const from = ears.on("/verdict").length;
      await ears.until(() => ears.on("/verdict").length > from || undefined);
      const end = await daemon.kill("SIGTERM");
      if (end.code !== 0) findings.wrong.push(`SIGTERM ended it with ${JSON.stringify(end)}`);
      findings.add(numbered(ears.heard, notAVerdict));
    } finally {
      await ears.close();
      await broker.close();
      await close();
    }
    return findings.result(count);
  },
};
