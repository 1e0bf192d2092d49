import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { configSchema, type MqttConfig } from "../../../device/config/schema.ts";
import { brokerOptions } from "../../../device/publish/broker-options.ts";
import { brokerReasons } from "../../../device/publish/broker-reasons.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

function config(url: string, more: Partial<MqttConfig> = {}): MqttConfig {
  return { ...configSchema.shape.mqtt.parse({ url }), ...more };
}

test("each connection begins with nothing: the journal is the only memory", async () => {
  const options = await brokerOptions(config("mqtt://broker"), "board", "5", 4321);
  const { clean, reconnectPeriod, resubscribe, queueQoSZero, connectTimeout, protocolVersion, clientId } = options;
  assert.deepEqual(
    [clean, reconnectPeriod, resubscribe, queueQoSZero, connectTimeout, protocolVersion, clientId],
    [true, 0, false, false, 4321, 5, "gradeline-board"],
  );
  assert.deepEqual(options.properties, { maximumPacketSize: 2_097_152, receiveMaximum: 32, sessionExpiryInterval: 0 });
  assert.equal(options.keepalive, config("mqtt://broker").keepaliveS);
  for (const absent of ["port", "path", "username", "password", "ca", "cert", "key"])
    assert.ok(!(absent in options), absent);
});

test("the will is the state offline, QoS 1, retained where the broker retains; its properties are those of MQTT 5", async () => {
  const { will } = await brokerOptions(config("mqtt://broker"), "board", "5", 1);
  assert.deepEqual([will?.topic, will?.qos, will?.retain], ["gradeline/board/state", 1, true]);
  assert.deepEqual(will?.properties, { contentType: "application/json", payloadFormatIndicator: true });
  const state = JSON.parse(String(will?.payload)) as Record<string, unknown>;
  assert.equal(state.state, "offline");
  const old = await brokerOptions(config("mqtt://broker"), "board", "3.1.1", 1, undefined, false);
  assert.deepEqual([old.protocolVersion, old.will?.retain, old.will?.properties], [4, false, undefined]);
});

test("host, port, path and scheme are those of the URL", async () => {
  const of = async (url: string) => {
    const { protocol, host, port, path } = await brokerOptions(config(url), "board", "5", 1);
    return [protocol, host, port, path];
  };
  assert.deepEqual(await of("mqtts://[2001:db8::7]:8884"), ["mqtts", "2001:db8::7", 8884, undefined]);
  assert.deepEqual(await of("ws://broker:8083/mqtt?x=1"), ["ws", "broker", 8083, "/mqtt?x=1"]);
  assert.deepEqual(await of("mqtt://broker"), ["mqtt", "broker", undefined, undefined]);
});

test("certificates are read anew for each connection; one that cannot be read is named by its key", async (t) => {
  const folder = await temporaryFolder(t);
  const ca = join(folder, "ca.pem");
  await writeFile(ca, "one");
  const mqtt = config("mqtts://broker", { ca, clientId: "own", username: "u" });
  const first = await brokerOptions(mqtt, "board", "5", 1);
  assert.deepEqual([String(first.ca), first.clientId, first.username], ["one", "own", "u"]);
  await writeFile(ca, "two");
  assert.equal(String((await brokerOptions(mqtt, "board", "5", 1)).ca), "two");
  for (const key of ["ca", "cert", "key"] as const) {
    await assert.rejects(brokerOptions({ ...mqtt, [key]: join(folder, "absent") }, "board", "5", 1), {
      code: "CONFIG",
      message: new RegExp(`^\`mqtt\\.${key}\`: .*absent cannot be read`),
    });
  }
});

test("what the broker keeps the device from telling is a reason each", () => {
  const none = { refused: [], swallowed: [], unverified: false, retains: true, unstable: undefined };
  assert.deepEqual([...brokerReasons(none)], []);
  const found = [
    ...brokerReasons({
      refused: [
        ["gradeline/b/request/+", "not authorized"],
        ["gradeline/b/state", "quota"],
      ],
      swallowed: ["gradeline/b/a/verdict"],
      unverified: true,
      retains: false,
      unstable: { message: "it ends them", hint: "do that" },
    }),
  ];
  assert.deepEqual(
    found.map(({ code }) => code),
    ["requests-refused", "topic-refused", "verdicts-swallowed", "unverified", "broker-drops", "not-retained"],
  );
  assert.match(found[1]!.message, /does not take gradeline\/b\/state: quota/);
});
