import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import type { MqttConfig } from "../../../device/config/schema.ts";
import { aroundFile } from "../../support/around-file.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { makeCertificates, withoutOpenssl } from "../../support/certificates.ts";
import { Publishing } from "../../support/publishing.ts";
import { draft } from "../../support/verdicts.ts";

const skip = withoutMosquitto || withoutOpenssl;

let folder: string;
let broker: Mosquitto;
let line: Publishing | undefined;

const file = (name: string) => join(folder, name);

aroundFile(
  async () => {
    if (skip !== false) return;
    folder = await mkdtemp(join(tmpdir(), "gradeline-tls-"));
    makeCertificates(folder, "plant", ["broker", "board"]);
    makeCertificates(folder, "stranger", ["board"]);
    broker = await Mosquitto.start([
      `cafile ${file("plant-ca.pem")}`,
      `certfile ${file("plant-broker.pem")}`,
      `keyfile ${file("plant-broker.key")}`,
      "require_certificate true",
    ]);
  },
  async () => {
    await broker?.close();
    if (skip === false) await rm(folder, { recursive: true, force: true });
  },
);
afterEach(async () => {
  await line?.close();
  line = undefined;
});

async function open(mqtt: Partial<MqttConfig>): Promise<Publishing> {
  line = await Publishing.open({ port: 1, mqtt: { url: `mqtts://127.0.0.1:${broker.port}`, ...mqtt } });
  return line;
}

test("a verdict goes over TLS with the client's certificate", { skip }, async () => {
  const { publisher, acked } = await open({
    ca: file("plant-ca.pem"),
    cert: file("plant-board.pem"),
    key: file("plant-board.key"),
  });
  await publisher.take(draft("a", 1)).durable;
  await line!.until(() => acked.length === 1);
});

test("a broker whose certificate another authority signed is not spoken to", { skip }, async () => {
  const { publisher, log } = await open({
    ca: file("stranger-ca.pem"),
    cert: file("plant-board.pem"),
    key: file("plant-board.key"),
  });
  await publisher.take(draft("a", 1)).durable;
  await line!.until(() => log.some(({ hint }) => /mqtt\.ca/.test(hint ?? "")));
  assert.match(publisher.health.broker.reason!, /certificate/);
  assert.equal(publisher.health.journal.depth, 1);
});

test("a client whose certificate the broker does not know is turned away, and the line goes on", { skip }, async () => {
  const { publisher, log } = await open({
    ca: file("plant-ca.pem"),
    cert: file("stranger-board.pem"),
    key: file("stranger-board.key"),
  });
  await publisher.take(draft("a", 1)).durable;
  await line!.until(() => log.some(({ msg }) => /no connection|turned away/.test(msg)));
  assert.equal(publisher.health.broker.connects, 0);
  assert.equal(publisher.health.journal.depth, 1);
});

test("a broker that wants a client's certificate where none is configured: the hint names both settings", {
  skip,
}, async () => {
  const { publisher, log } = await open({ ca: file("plant-ca.pem") });
  await publisher.take(draft("a", 1)).durable;
  await line!.until(() => log.some(({ hint }) => /`mqtt\.cert` and `mqtt\.key`/.test(hint ?? "")));
  assert.equal(publisher.health.broker.connects, 0);
  assert.equal(publisher.health.journal.depth, 1);
});
