import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { Liveness, Systemd } from "../../../device/base/systemd.ts";

test("a stage that has work and gets none of it done is found after the limit, others never", () => {
  const liveness = new Liveness(1000);
  const at = (ms: number, waiting: boolean, done: number) =>
    liveness.stalled(
      [
        { name: "inference", waiting, done },
        { name: "camera", waiting: true, done: ms },
        { name: "acknowledgement", waiting: false, done: 0 },
      ],
      ms,
    );
  assert.equal(at(0, true, 5), undefined);
  assert.equal(at(999, true, 5), undefined);
  assert.equal(at(1000, true, 5), "inference");
  assert.equal(at(1500, true, 6), undefined, "it got something done");
  assert.equal(at(2400, false, 6), undefined, "it has nothing to do");
  assert.equal(at(3300, true, 6), undefined, "its time begins with its work");
  assert.equal(at(3400, true, 6), "inference");
});

test("without a socket nothing is loaded and nothing told", async () => {
  const systemd = await Systemd.open({ WATCHDOG_USEC: "1000" }, createLog("silent"));
  systemd.starting("loading");
  systemd.running({ status: () => assert.fail("nobody asks"), vitals: () => assert.fail("nobody asks") });
  systemd.stopping();
  systemd.close();
});
