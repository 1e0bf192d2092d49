import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { nowMicros } from "../../../device/base/time.ts";
import type { Reason } from "../../../device/contract/reasons.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { Child } from "../../support/child.ts";
import { freePort } from "../../support/free-port.ts";
import { Publishing, type PublishingOptions } from "../../support/publishing.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { draft } from "../../support/verdicts.ts";

const parts: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part.close();
});

async function keep<T extends { close(): Promise<unknown> }>(opening: Promise<T>): Promise<T> {
  const part = await opening;
  parts.push(part);
  return part;
}

const broker = (port?: number): Promise<AedesBroker> => keep(AedesBroker.start(port));
const hear = (port: number): Promise<Subscriber> => keep(Subscriber.connect(port, ["#"], { protocolVersion: 4 }));
const open = (options: PublishingOptions): Promise<Publishing> => keep(Publishing.open(options));
const at = (port: number): string => `mqtt://127.0.0.1:${port}`;
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
const seqs = (ears: Subscriber, topic: string) => ears.json(topic).map(({ seq }) => Number(seq));

async function take(line: Publishing, from: number, to: number): Promise<void> {
  const made = [];
  for (let n = from; n <= to; n++) made.push(line.publisher.take(draft("a", n)).durable);
  await Promise.all(made);
}

function reasons(line: Publishing): Reason[] {
  return [...line.publisher.reasons()];
}

test("a further broker gets every verdict on its own topic, at its own pace, and nothing else", async () => {
  const plant = await broker();
  const port = await freePort();
  const cloud = { name: "cloud", url: at(port), topic: "site/{device}/{lane}" };
  const line = await open({ port: plant.port, brokers: [cloud], timing: { awayMs: 0 } });
  line.publisher.retain("state", stateMessage("online", [], nowMicros()));
  await take(line, 1, 30);
  await line.until(() => line.acked.length === 30);
  const [away] = reasons(line).filter(({ code }) => code === "broker-away");
  assert.match(away?.message ?? "", /broker cloud is away: .*ECONNREFUSED.*; 30 verdicts wait for it/);
  assert.deepEqual(
    line.publisher.health.brokers?.map(({ name, state }) => [name, state]),
    [["cloud", "connecting"]],
  );
  const second = await broker(port);
  const ears = await hear(second.port);
  await ears.count("site/board/a", 30);
  await take(line, 31, 40);
  await ears.until(() => new Set(seqs(ears, "site/board/a")).size === 40 || undefined);
  assert.deepEqual(
    [...new Set(seqs(ears, "site/board/a"))].sort((a, b) => a - b),
    upTo(40),
  );
  assert.deepEqual([...new Set(ears.heard.map(({ topic }) => topic))], ["site/board/a"], "no state, no will");
  assert.deepEqual(
    reasons(line).filter(({ code }) => code === "broker-away"),
    [],
  );
});

test("a further broker that takes no verdicts is told by its topic, and the plant's gets them all", async () => {
  const [plant, second] = [await broker(), await broker()];
  let welcome = false;
  second.aedes.authorizePublish = (_client, _packet, done) => done(welcome ? null : new Error("not here"));
  const line = await open({
    port: plant.port,
    brokers: [{ name: "cloud", url: at(second.port) }],
    timing: { retryMs: 30, awayMs: 60_000 },
  });
  await take(line, 1, 10);
  await line.until(() => line.acked.length === 10);
  const ears = await hear(second.port);
  welcome = true;
  await ears.until(() => new Set(seqs(ears, "a/verdict")).size === 10 || undefined);
});

test("kill -9 while a further broker is away: both end with the same numbers, without a gap", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-feed-"));
  try {
    const plant = await broker();
    const port = await freePort();
    const ears = await hear(plant.port);
    const child = (from: number): Child =>
      new Child("test/support/publisher-child.ts", [
        join(folder, "journal.sqlite"),
        ...[String(plant.port), String(from), "100000", String(port)],
      ]);
    let from = 1;
    for (let round = 0; round < 2; round++) {
      const daemon = child(from);
      await daemon.until(() => daemon.all("durable").length >= 40);
      await daemon.kill();
      from += daemon.all("durable").length;
    }
    const second = await broker(port);
    const others = await hear(second.port);
    const daemon = child(from);
    await daemon.until(() => daemon.all("durable").length >= 10);
    daemon.process.kill("SIGTERM");
    await daemon.until(({ event }) => event === "closed");
    const last = Math.max(...daemon.all("durable").map(({ seq }) => Number(seq)));
    for (const lane of ["a", "b"]) {
      await ears.until(() => seqs(ears, `lane/${lane}/verdict`).includes(last) || undefined);
      await others.until(() => new Set(seqs(others, `cloud/${lane}`)).size >= last || undefined);
      const plantHas = [...new Set(seqs(ears, `lane/${lane}/verdict`))].sort((a, b) => a - b);
      assert.deepEqual(
        [...new Set(seqs(others, `cloud/${lane}`))].sort((a, b) => a - b),
        upTo(plantHas.at(-1)!),
      );
      assert.deepEqual(plantHas, upTo(plantHas.at(-1)!));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("of several urls the next is tried where one does not answer, and the first again where that goes", async () => {
  const [port, other] = [await freePort(), await freePort()];
  const standBy = await AedesBroker.start(other);
  const line = await open({ port, mqtt: { urls: [at(port), at(other)] } });
  await line.connected();
  assert.equal(line.publisher.brokerUrl, at(other));
  await take(line, 1, 5);
  await line.until(() => line.acked.length === 5);
  const first = await broker(port);
  await standBy.close();
  const ears = await hear(first.port);
  await take(line, 6, 10);
  await ears.until(() => seqs(ears, "a/verdict").includes(10) || undefined);
  assert.equal(line.publisher.brokerUrl, at(port));
});
