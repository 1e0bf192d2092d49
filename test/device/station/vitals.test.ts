import assert from "node:assert/strict";
import { test } from "node:test";
import { Liveness } from "../../../device/base/systemd.ts";
import { type StatusParts, stationStatus, stationVitals, type VitalParts } from "../../../device/station/vitals.ts";

const LIMIT_MS = 20_000;

/** A station as the watchdog sees it: two belts, cups, a triggered camera. All is well until the test says otherwise. */
function station() {
  const camera = (id: string) => ({ id, source: { kind: "simulated" } });
  const seen = (state: string) => ({ state, counters: { seen: 0 } });
  const parts = {
    config: {
      cameras: [camera("belt"), camera("cups"), { id: "asked", source: { kind: "gige", trigger: { per: "cup" } } }],
      lanes: [
        { camera: "belt", conveyor: { kind: "belt" } },
        { camera: "belt", conveyor: { kind: "belt" } },
        { camera: "cups", conveyor: { kind: "cups" } },
        { camera: "asked", conveyor: { kind: "belt" } },
      ],
    },
    cameras: new Map([
      ["belt", seen("ok")],
      ["cups", seen("ok")],
      ["asked", seen("ok")],
    ]),
    paused: false,
    embedding: { waiting: false, done: 0 },
    publisher: { health: { broker: { state: "connected" }, journal: { depth: 0 }, published: 0 } },
    state: { latest: { state: "online", reasons: [] as { message: string }[] } },
    stats: new Map([["a", { message: () => ({ items: 7, late: 0 }) }]]),
    embedder: { provider: "CPU" },
  };
  return {
    parts,
    vitals: () => stationVitals(parts as unknown as VitalParts),
    asStation: parts as unknown as StatusParts,
  };
}

/** What the watchdog says is stalled after a period in which nothing gets done. */
function stalledAfter(vitals: () => ReturnType<typeof stationVitals>): string | undefined {
  const liveness = new Liveness(LIMIT_MS);
  liveness.stalled(vitals(), 0);
  return liveness.stalled(vitals(), LIMIT_MS);
}

test("an inference that has views and gives none back is found; one that has none, or goes on, is not", () => {
  const { parts, vitals } = station();
  parts.cameras.get("belt")!.state = "waiting";
  assert.equal(stalledAfter(vitals), undefined);
  parts.embedding = { waiting: true, done: 12 };
  assert.equal(stalledAfter(vitals), "inference");
  const busy = () => {
    parts.embedding.done++;
    return vitals();
  };
  assert.equal(stalledAfter(busy), undefined);
});

test("a belt's camera owes frames while it is well and the lanes run; cups stand still with the line, triggers wait", () => {
  const { parts, vitals } = station();
  assert.deepEqual(
    vitals().map(({ name, waiting }) => [name, waiting]),
    [
      ["camera belt", true],
      ["camera cups", false],
      ["camera asked", false],
      ["inference", false],
      ["acknowledgement", false],
    ],
  );
  assert.equal(stalledAfter(vitals), "camera belt");
  parts.paused = true;
  assert.equal(stalledAfter(vitals), undefined);
  parts.paused = false;
  parts.cameras.get("belt")!.state = "error";
  assert.equal(stalledAfter(vitals), undefined);
  parts.cameras.get("belt")!.state = "ok";
  const giving = () => {
    parts.cameras.get("belt")!.counters.seen++;
    return vitals();
  };
  assert.equal(stalledAfter(giving), undefined);
});

test("a broker that is there owes acknowledgements for what waits; one that is away does not", () => {
  const { parts, vitals } = station();
  parts.cameras.get("belt")!.state = "error";
  const { health } = parts.publisher;
  health.journal.depth = 3;
  assert.equal(stalledAfter(vitals), "acknowledgement");
  const acknowledging = () => {
    health.published++;
    return vitals();
  };
  assert.equal(stalledAfter(acknowledging), undefined);
  health.broker.state = "connecting";
  assert.equal(stalledAfter(vitals), undefined);
});

test("the status says whether it is well, what was decided, on what, and what the broker has", () => {
  const { parts, asStation } = station();
  assert.equal(stationStatus(asStation), "online, 7 items decided, on CPU, broker connected");
  parts.stats.set("b", { message: () => ({ items: 5, late: 2 }) });
  parts.state.latest = { state: "degraded", reasons: [{ message: "it is dark" }, { message: "late" }] };
  parts.publisher.health.broker.state = "refused";
  parts.publisher.health.journal.depth = 9;
  assert.equal(
    stationStatus(asStation),
    "degraded: it is dark; late, 12 items decided, 2 late, on CPU, broker refused, 9 verdicts kept",
  );
});
