import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseMicros } from "../../device/base/time.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { verdictsOf } from "../support/daemon-verdicts.ts";
import { smallLine } from "../support/line-config.ts";
import { Subscriber } from "../support/subscriber.ts";

const LIBRARY = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
const skip = withoutMosquitto || (LIBRARY === undefined && "needs the package faketime");

/** A step back, forward by days, and by months. */
const CLOCKS = ["-2d", "+0", "+90d", "-1h"];
const SECONDS = new Map([
  ["-2d", -172_800],
  ["+0", 0],
  ["+90d", 7_776_000],
  ["-1h", -3600],
]);

test("times in verdicts follow a clock that is set under the running daemon, and it is told", { skip }, async (t) => {
  const { folder, close } = await daemonFolder();
  const clock = join(folder, "clock");
  await writeFile(clock, `${CLOCKS[0]}\n`);
  const broker = await Mosquitto.start();
  const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
  // Of its own clock: the line that is simulated begins when the daemon does.
  const config = smallLine({ folder, brokerPort: broker.port, pace: "real", startAt: 0 });
  for (const camera of config.cameras ?? []) delete (camera.source as { startAt?: number }).startAt;
  const daemon = await Daemon.start(folder, config, [], {
    LD_PRELOAD: LIBRARY!,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  });
  t.after(async () => {
    await daemon.kill();
    await ears.close();
    await broker.close();
    await close();
  });
  for (const [round, set] of CLOCKS.entries()) {
    if (round > 0) await writeFile(clock, `${set}\n`);
    const setAt = Date.now();
    const offsetOf = ({ decidedAt }: { decidedAt: string }) => (parseMicros(decidedAt) / 1000 - Date.now()) / 1000;
    const seen = verdictsOf(ears).length;
    // One that was decided before may still have been on its way.
    const first = await ears.until(() =>
      verdictsOf(ears)
        .slice(seen)
        .find((one) => right(offsetOf(one), set)),
    );
    const wrong = verdictsOf(ears)
      .slice(seen)
      .filter((one) => !right(offsetOf(one), set));
    assert.ok(wrong.length <= 2 || Date.now() - setAt < 2000, `${wrong.length} verdicts by the old clock`);
    const ahead = (parseMicros(first.gateAt) - parseMicros(first.exposedAt)) / 1e6;
    assert.ok(ahead > 0 && ahead < 10, `the gate ${ahead} s after the exposure`);
    if (round === 0) continue;
    const told = await ears.until(() =>
      ears.json("board/state").findLast(({ reasons }) => /the clock was set/.test(String(reasons))),
    );
    assert.equal(told.state, "degraded");
  }
  const clocks = () => ears.json("board/health").map((health) => health.clock as { steps: number; lastStepS: number });
  const { lastStepS } = await ears.until(() => clocks().findLast(({ steps }) => steps >= 3));
  assert.ok(Math.abs(lastStepS + 7_776_000 + 3600) < 5, `${lastStepS} s`);
});

/** Verdicts may have waited a few seconds on a busy machine. */
function right(offsetS: number, set: string): boolean {
  return Math.abs(offsetS - SECONDS.get(set)!) < 60;
}
