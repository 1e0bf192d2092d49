import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, test } from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { formatMicros, nowMicros } from "../../../device/base/time.ts";
import { CONTRACT } from "../../../device/contract/documents.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { cpuProof } from "../../support/proof-made.ts";
import { Publishing } from "../../support/publishing.ts";
import { draft } from "../../support/verdicts.ts";
import { Bell } from "../../support/wait.ts";

const { error } = spawnSync("mosquitto_sub", ["--help"]);
const withoutClients = error ? "needs the package mosquitto-clients (apt-get install mosquitto-clients)" : false;

interface Line {
  readonly topic: string;
  readonly qos: number;
  readonly retain: number;
  readonly payload: string;
  readonly properties?: Record<string, unknown>;
}

interface Api {
  readonly channels: Record<string, { readonly address: string }>;
  readonly operations: Record<string, { action: string; bindings: { mqtt: { qos: number; retain: boolean } } }>;
  readonly components: { readonly schemas: Record<string, object> };
}

let parts: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of parts.reverse()) await part.close();
  parts = [];
});

test("mosquitto_sub beside a device receives what the AsyncAPI document promises, and all of it", {
  skip: withoutMosquitto || withoutClients,
}, async () => {
  const api = parse(readFileSync(`${CONTRACT}/asyncapi.yaml`, "utf8")) as Api;
  const broker = await Mosquitto.start();
  parts.push(broker);
  const ears = await MosquittoSub.start(broker.port);
  parts.push(ears);
  const line = await Publishing.open({
    port: broker.port,
    handlers: {
      pause: async () => ({ paused: true }),
      resume: async () => ({ paused: false }),
      reload: async () => ({ gallery: HASH, references: 3 }),
      enroll: async () => ({
        cancelled: false,
        grade: "sound",
        items: [{ item: "a-1", views: 9 }],
        gallery: HASH,
        references: 3,
      }),
      activate: async () => activated,
      shadow: async () => ({ at: now(), shadow: SHADOW }),
      rollback: async () => ({ ...activated, recipe: null, previous: null }),
      lot: async () => ({ lots: [{ lane: "a", lot: { id: "4711", fields: { row: "7" } }, since: now() }] }),
      outlet: async () => ({ outlets: [{ outlet: "juice", state: "full" }] }),
      relearn: async () => ({ lanes: ["a"] }),
      trigger: async () => ({ lane: "a", camera: "c1" }),
      dismiss: async () => ({ dismissed: 1 }),
      replay: async () => ({ lane: "a", count: 1 }),
      snapshot: async () => ({ camera: "c1", exposedAt: now(), widthPx: 1280, heightPx: 720, jpeg: "/9j/" }),
    },
  });
  parts.push(line);
  say(line);
  await line.publisher.take(draft("a", 1)).durable;
  await line.publisher.take({
    ...draft("b", 2),
    outcome: "empty",
    grade: null,
    margin: null,
    grades: [],
    cup: 7,
    sizeMm: null,
  }).durable;
  await line.until(() => line.acked.length === 2);
  for (const verb of ["pause", "resume", "reload", "snapshot", "enroll", "relearn", "trigger", "pause"])
    publish(broker.port, `request/${verb}`, '{"transaction":"t"}');
  publish(broker.port, "request/shadow", '{"transaction":"t"}');
  publish(broker.port, "request/rollback", '{"transaction":"t"}');
  publish(broker.port, "request/activate", '{"recipe":"apples-3","transaction":"t"}');
  publish(broker.port, "request/dismiss", '{"items":["a-1"],"transaction":"t"}');
  publish(broker.port, "request/outlet", '{"outlet":"juice","state":"full","transaction":"t"}');
  publish(broker.port, "request/lot", '{"lot":{"id":"4711","grower":"Huber"},"transaction":"t"}');
  publish(broker.port, "request/replay", '{"lane":"a","from":1,"transaction":"t"}');
  publish(broker.port, "request/pause", "no JSON");
  publish(broker.port, "request/explode", "{}");
  await ears.until((lines) => lines.filter(({ topic }) => topic.includes("/response/")).length === 17);
  await line.publisher.close();
  await ears.until((lines) =>
    lines.some(({ topic, payload }) => topic.endsWith("/state") && payload.includes("stopped")),
  );

  const ajv = new Ajv({ strict: false });
  const seen = new Set<string>();
  for (const { topic, qos, retain, payload, properties } of ears.lines) {
    if (topic.endsWith("/request/explode")) continue;
    const name = channelOf(api, topic);
    assert.ok(name !== undefined, `${topic} is in no channel`);
    const { action, bindings } = api.operations[name]!;
    if (action !== "send") continue;
    seen.add(name);
    const valid = ajv.compile(api.components.schemas[name]!);
    assert.ok(valid(JSON.parse(payload)), `${topic}: ${ajv.errorsText(valid.errors)}: ${payload}`);
    assert.deepEqual({ qos, retain: retain === 1 }, { qos: bindings.mqtt.qos, retain: bindings.mqtt.retain }, topic);
    assert.equal(properties?.["content-type"], "application/json");
  }
  const promised = Object.entries(api.operations).filter(([, { action }]) => action === "send");
  assert.deepEqual([...seen].sort(), promised.map(([name]) => name).sort());
});

const HASH = "0123456789abcdef";
const now = () => formatMicros(nowMicros());
const SHADOW = {
  recipe: "apples-4",
  model: HASH,
  gallery: HASH,
  since: now(),
  items: 3,
  same: 2,
  different: 1,
  skipped: 0,
  pairs: [{ was: "sound", would: "reject", items: 1 }],
  last: [{ item: "a-1", lane: "a", was: "sound", would: "reject", decidedAt: now() }],
  problem: null,
};
const activated = {
  recipe: "apples-3",
  previous: "configuration",
  changed: true,
  model: HASH,
  gallery: HASH,
  references: 3,
};

/** One of everything that is retained. */
function say({ publisher }: Publishing): void {
  const grades = [{ grade: "sound", references: 2 }];
  publisher.retain("state", stateMessage("online", [], nowMicros()));
  publisher.retain("info", {
    device: "board",
    version: "0.1.0",
    node: process.version,
    startedAt: now(),
    clockSynchronised: null,
    model: { name: "m", version: "1", hash: HASH, sizePx: 96, dimension: 128 },
    provider: "cpu",
    proof: cpuProof,
    gallery: { hash: HASH, references: 2, grades },
    cameras: [{ id: "c1", kind: "line", widthPx: 1280, heightPx: 720 }],
    lanes: [{ id: "a", camera: "c1", conveyor: "belt", gateMm: 400 }],
  });
  publisher.retain("health", {
    at: now(),
    uptimeS: 3.5,
    clock: { steps: 0, lastStepS: null, lastStepAt: null, synchronised: true },
    cameras: [
      { id: "c1", seen: 100, dropped: 1, incomplete: 0, lost: 0, restarts: 0, blindS: 0.4, shadows: 0, ageMs: 33 },
    ],
    drift: [],
    queue: { items: 1, bytes: 1000, dropped: 0, problem: null },
    late: 0,
    rssBytes: 100_000_000,
    ...publisher.health,
  });
  const calibration = { rule: "prototypes", alpha: 0.05, fittedAt: now(), expired: [] };
  publisher.retain("recipe", {
    recipe: null,
    previous: null,
    model: HASH,
    gallery: HASH,
    grades,
    activatedAt: now(),
    calibration,
  });
  publisher.retain("shadow", { at: now(), shadow: SHADOW });
  publisher.retain("laneStats", {
    at: now(),
    lane: "a",
    items: 1,
    outcomes: { graded: 1, unknown: 0, unsure: 0, foreign: 0, empty: 0, "no-image": 0 },
    grades: { sound: 1 },
    late: 0,
    itemsPerS: 0.1,
    drift: { learned: 0, learntFrom: null, findings: [], signals: [] },
    enrolling: { grade: "sound", count: 2, items: ["a-1"], saving: false },
  });
}

function publish(port: number, topic: string, message: string): void {
  const { status } = spawnSync("mosquitto_pub", [
    "-p",
    String(port),
    "-q",
    "1",
    "-t",
    `gradeline/board/${topic}`,
    "-m",
    message,
  ]);
  assert.equal(status, 0);
}

function channelOf(api: Api, topic: string): string | undefined {
  const fits = (address: string) => new RegExp(`^${address.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(topic);
  return Object.entries(api.channels).find(([, { address }]) => fits(address))?.[0];
}

/** The ordinary command-line client, with each message as a line of JSON. */
class MosquittoSub {
  readonly lines: Line[] = [];
  readonly #process: ChildProcess;
  readonly #bell = new Bell();

  private constructor(process: ChildProcess) {
    this.#process = process;
    createInterface({ input: process.stdout! }).on("line", (text) => {
      this.lines.push(JSON.parse(text) as Line);
      this.#bell.ring();
    });
  }

  /** Resolves when it is subscribed: a message that the broker kept is the first that it hears. */
  static async start(port: number): Promise<MosquittoSub> {
    const kept = spawnSync("mosquitto_pub", ["-p", String(port), "-r", "-t", "gradeline/kept", "-m", "x"]);
    assert.equal(kept.status, 0);
    const options = ["-V", "mqttv5", "--retain-as-published", "-q", "1", "-F", "%j"];
    const child = spawn("mosquitto_sub", ["-p", String(port), "-t", "gradeline/#", ...options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const sub = new MosquittoSub(child);
    await sub.until((lines) => lines.length === 1);
    sub.lines.length = 0;
    return sub;
  }

  async until(look: (lines: readonly Line[]) => boolean): Promise<void> {
    await this.#bell.until(
      () => look(this.lines) || undefined,
      () => this.lines,
      { what: String(look) },
    );
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#process.once("close", resolve));
    this.#process.kill();
    await closed;
  }
}
