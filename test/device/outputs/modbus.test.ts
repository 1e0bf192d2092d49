import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import ModbusRTU from "modbus-serial";
import pino from "pino";
import { formatMicros, nowMicros } from "../../../device/base/time.ts";
import { type Config, configSchema } from "../../../device/config/schema.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import {
  deviceRegisters,
  LANE_HEAD,
  LANE_SIZE,
  LANES_AT,
  laneRegisters,
  RESULT_SIZE,
  type Register,
  RING,
  reasonNumber,
  resultRegisters,
  widthOf,
} from "../../../device/contract/modbus-map.ts";
import { reasonCodes } from "../../../device/contract/reasons.ts";
import { ProductMap } from "../../../device/lanes/products.ts";
import { openModbus } from "../../../device/outputs/modbus/open.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import { freePort } from "../../support/free-port.ts";
import { draft } from "../../support/verdicts.ts";
import { until } from "../../support/wait.ts";

const quiet = pino({ level: "silent" });

/** A PLC, by the client of modbus-serial over a real connection. */
class Plc {
  readonly #client = new ModbusRTU.default();
  readonly #lane: number;
  /** Sequence that it has read up to. */
  read = 0;

  constructor(lane = 0) {
    this.#lane = LANES_AT + lane * LANE_SIZE;
  }

  async connect(port: number): Promise<void> {
    await this.#client.connectTCP("127.0.0.1", { port });
    this.#client.setID(1);
    this.#client.setTimeout(20_000);
  }

  get client() {
    return this.#client;
  }

  async words(at: number, count: number): Promise<number[]> {
    return (await this.#client.readInputRegisters(at, count)).data;
  }

  async head(name: keyof typeof laneRegisters): Promise<number> {
    const register: Register = laneRegisters[name];
    return numberIn(register, await this.words(this.#lane, LANE_HEAD));
  }

  /** Whatever is new, as the map's page says; acknowledged. */
  async poll(): Promise<Map<keyof typeof resultRegisters, number>[]> {
    const head = await this.words(this.#lane, LANE_HEAD);
    const newest = numberIn(laneRegisters.newest, head);
    const slot = numberIn(laneRegisters.slot, head);
    const oldest = numberIn(laneRegisters.oldest, head);
    const found: Map<keyof typeof resultRegisters, number>[] = [];
    for (let sequence = Math.max(this.read + 1, oldest); newest > 0 && sequence <= newest; sequence++) {
      const place = (slot + RING - (newest - sequence)) % RING;
      const words = await this.words(this.#lane + LANE_HEAD + place * RESULT_SIZE, RESULT_SIZE);
      const names = Object.keys(resultRegisters) as (keyof typeof resultRegisters)[];
      found.push(new Map(names.map((name) => [name, numberIn(resultRegisters[name], words)])));
    }
    if (found.length > 0) {
      this.read = newest;
      const at = this.#lane + laneRegisters.acknowledged.at;
      await this.#client.writeRegisters(at, [Math.floor(newest / 65_536), newest % 65_536]);
    }
    return found;
  }

  close(): void {
    this.#client.close(() => {});
  }
}

function numberIn({ at, type }: Register, words: readonly number[]): number {
  const unsigned = words.slice(at, at + widthOf(type)).reduce((sum, word) => sum * 65_536 + word, 0);
  if (type === "i16") return unsigned >= 32_768 ? unsigned - 65_536 : unsigned;
  if (type === "i32") return unsigned >= 2 ** 31 ? unsigned - 2 ** 32 : unsigned;
  return unsigned;
}

function verdict(lane: string, seq: number, changes: Partial<Verdict> = {}): Verdict {
  return { ...draft(lane, seq), seq, epoch: "e", ...changes };
}

async function serving(t: TestContext, more: object = {}) {
  const port = await freePort();
  const config = {
    ...configSchema.parse({ device: "board", cameras: [], lanes: [], modbus: { port }, ...more }),
    lanes: [{ id: "a" }, { id: "b" }],
  } as unknown as Config;
  const products = new ProductMap(config);
  const opened = openModbus({ config, log: quiet, products })!;
  t.after(() => opened.server.close());
  const plc = new Plc();
  await until("the server listens", () =>
    plc.connect(port).then(
      () => true,
      () => undefined,
    ),
  );
  t.after(() => plc.close());
  return { ...opened, plc, products, port };
}

test("a PLC that polls reads every result exactly once, in order, also when the ring turns round", async (t) => {
  const { image, plc } = await serving(t);
  const read: number[] = [];
  const items: number[] = [];
  for (let seq = 0; seq < 3 * RING; ) {
    const many = 1 + (seq % (RING - 1));
    for (let i = 0; i < many; i++) image.add(verdict("a", ++seq));
    for (const result of await plc.poll()) {
      read.push(result.get("sequence")!);
      items.push(result.get("item")!);
      assert.equal(result.get("check"), result.get("sequence"));
    }
    assert.deepEqual(await plc.poll(), []);
    assert.equal(await plc.head("waiting"), 0);
  }
  assert.deepEqual(
    read,
    Array.from({ length: read.length }, (_, n) => n + 1),
  );
  assert.deepEqual(items, read);
  assert.ok(read.length >= 3 * RING);
  assert.equal(await plc.head("overrun"), 0);
});

test("a result says what its verdict says, as numbers, and how long the gate is away when it is read", async (t) => {
  const { image, plc } = await serving(t, {
    products: {
      outlets: [
        { id: "one", gateMm: 1 },
        { id: "two", gateMm: 2 },
      ],
      rules: [
        { outcome: ["graded"], product: "table", outlet: "two" },
        { product: "juice", outlet: "one" },
      ],
    },
  });
  const gate = nowMicros() + 800_000;
  const told = { gateAt: formatMicros(gate), margin: -1.2349, sizeMm: 71.46, late: true, cup: 7 };
  image.add(verdict("a", 70_001, { ...told, product: "juice", outlet: "two", item: "a-x-0-65537" }));
  image.add(verdict("a", 70_002, { margin: null, sizeMm: null, cup: null, gradeCode: 0, outcomeCode: 5 }));
  const [first, second] = await plc.poll();
  const ms = Math.round((gate - nowMicros()) / 1000);
  assert.ok(Math.abs(first!.get("gateInMs")! - ms) < 300, `${first!.get("gateInMs")} for ${ms}`);
  assert.equal(first!.get("gateAt"), gate);
  assert.deepEqual(
    (["sequence", "item", "grade", "outcome", "size", "margin", "late", "product", "outlet", "cup"] as const).map(
      (name) => first!.get(name),
    ),
    [70_001, 65_537, 1, 1, 715, -1235, 1, 2, 2, 7],
  );
  assert.deepEqual(
    (["grade", "outcome", "size", "margin", "late", "product", "outlet", "cup"] as const).map((name) =>
      second!.get(name),
    ),
    [0, 5, 0, -32_768, 0, 0, 0, 65_535],
  );
});

test("results that were overwritten before they were read are counted and told, and the rest is read", async (t) => {
  const { image, plc, server } = await serving(t);
  assert.deepEqual([...server.reasons()], []);
  for (let seq = 1; seq <= RING + 10; seq++) image.add(verdict("b", seq));
  for (let seq = 1; seq <= RING + 10; seq++) image.add(verdict("a", seq));
  const read = await plc.poll();
  assert.deepEqual([read.length, read[0]!.get("sequence"), await plc.head("overrun")], [RING, 11, 10]);
  const [reason] = [...server.reasons()];
  assert.equal(reason!.code, "modbus-overrun");
  assert.match(reason!.message, /10 of lane a, 10 of lane b/);
});

test("the PLC may write what is its own and nothing else; what is not there is an exception", async (t) => {
  const { image, plc } = await serving(t);
  image.add(verdict("a", 5));
  await assert.rejects(plc.client.writeRegister(deviceRegisters.state.at, 7), /Illegal data address/);
  await assert.rejects(plc.client.writeRegister(LANES_AT + LANE_HEAD, 7), /Illegal data address/);
  await assert.rejects(plc.words(image.length - 1, 2), /Illegal data address/);
  await assert.rejects(plc.client.readCoils(0, 1), /Illegal data address/);
  // More than was ever given.
  await plc.client.writeRegisters(LANES_AT + laneRegisters.acknowledged.at, [0, 99]);
  assert.equal(await plc.head("acknowledged"), 4);
  assert.deepEqual((await plc.client.readHoldingRegisters(0, 1)).data, await plc.words(0, 1));
});

test("heartbeat, state and reasons are told; a coil closes an outlet and opens it", async (t) => {
  const { image, plc, products } = await serving(t, {
    products: { outlets: [{ id: "one", gateMm: 1 }], rules: [{ product: "p", outlet: "one" }] },
  });
  image.setState("degraded", ["paused", "journal-disk"]);
  const [before] = await plc.words(deviceRegisters.heartbeat.at, 1);
  assert.deepEqual(await plc.words(deviceRegisters.state.at, 5), [
    2,
    2,
    reasonNumber("paused"),
    reasonNumber("journal-disk"),
    0,
  ]);
  await until("it beats", async () => (await plc.words(deviceRegisters.heartbeat.at, 1))[0] !== before || undefined);
  await plc.client.writeCoil(0, true);
  assert.deepEqual(products.outlets, [{ outlet: "one", state: "full" }]);
  assert.equal((await plc.client.readCoils(0, 1)).data[0], true);
  await plc.client.writeCoil(0, false);
  assert.deepEqual(products.outlets, [{ outlet: "one", state: "open" }]);
});

test("a port that is taken is told, tried again and served once it is free", async (t) => {
  const taken: Server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as { port: number };
  const config = { modbus: { host: "127.0.0.1", port, unit: 255 }, lanes: [], products: { outlets: [], rules: [] } };
  const parts = { config: config as unknown as Config, log: quiet, products: new ProductMap(config as never) };
  const { server } = openModbus({ ...parts, retryMs: 20 })!;
  t.after(() => server.close());
  const reason = await until("it is told", () => [...server.reasons()][0]);
  assert.equal(reason.code, "modbus");
  assert.match(reason.message, /EADDRINUSE/);
  await new Promise((resolve) => taken.close(resolve));
  await until("it serves", () => ([...server.reasons()].length === 0 ? true : undefined));
  const plc = new Plc();
  await plc.connect(port);
  assert.equal((await plc.words(0, 1))[0], 1);
  plc.close();
});

test("no two reasons have the same number, and no register overlaps another", () => {
  assert.equal(new Set(reasonCodes.map(reasonNumber)).size, reasonCodes.length);
  for (const [registers, size] of [
    [deviceRegisters, LANES_AT],
    [laneRegisters, LANE_HEAD],
    [resultRegisters, RESULT_SIZE],
  ] as const) {
    const used = Object.values(registers).flatMap(({ at, type }: Register) =>
      Array.from({ length: widthOf(type) }, (_, i) => at + i),
    );
    assert.equal(new Set(used).size, used.length);
    assert.ok(Math.max(...used) < size);
  }
});

const board = Board.forEachTest("mosquitto");

test("a PLC reads of the running line what MQTT says, every verdict once", { skip: withoutMosquitto }, async () => {
  const port = await freePort();
  await board.started(board.line({ startAt: nowMicros(), more: { modbus: { port } } }));
  const plcs = [new Plc(0), new Plc(1)];
  for (const plc of plcs) await plc.connect(port);
  const read: number[][] = [[], []];
  const { ears } = board;
  await until("both lanes have some", async () => {
    for (const [lane, plc] of plcs.entries()) {
      for (const result of await plc.poll()) read[lane]!.push(result.get("sequence")!, result.get("outcome")!);
    }
    return read.every((each) => each.length >= 6) || undefined;
  });
  for (const plc of plcs) plc.close();
  for (const [index, lane] of ["belt", "cups"].entries()) {
    const wanted = read[index]!.length / 2;
    const told = await ears.until(() => {
      const heard = verdictsOf(ears).filter((each) => each.lane === lane);
      return heard.length >= wanted ? heard.slice(0, wanted) : undefined;
    });
    assert.deepEqual(
      read[index],
      told.flatMap(({ seq, outcomeCode }) => [seq, outcomeCode]),
    );
  }
});
