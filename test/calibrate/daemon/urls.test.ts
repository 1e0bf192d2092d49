import assert from "node:assert/strict";
import { test } from "node:test";
import { DaemonLink } from "../../../calibrate/daemon/daemon-link.ts";
import { nowMicros } from "../../../device/base/time.ts";
import type { Config } from "../../../device/config/schema.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { freePort } from "../../support/free-port.ts";
import { mqttConfig } from "../../support/publishing.ts";
import { Subscriber } from "../../support/subscriber.ts";

test("of several urls the one that answers is taken, as the daemon does; none is told by all of them", async () => {
  const [dead, broker] = [await freePort(), await AedesBroker.start()];
  const urls = [dead, broker.port].map((port) => `mqtt://127.0.0.1:${port}`);
  const config = { device: "board", mqtt: mqttConfig(1, { urls }) } as Config;
  const mouth = await Subscriber.connect(broker.port, ["#"], { protocolVersion: 4 });
  await mouth.client.publishAsync("gradeline/board/state", JSON.stringify(stateMessage("online", [], nowMicros())), {
    qos: 1,
    retain: true,
  });
  const link = await DaemonLink.open(config);
  assert.equal(link.state.state, "online");
  await link.close();
  await mouth.close();
  await broker.close();
  await assert.rejects(DaemonLink.open(config), { code: "BROKER", message: /no connection to the broker at/ });
});
