import type { Verdict } from "../../../device/base/messages.ts";
import { createMetrics } from "../../../device/base/metrics.ts";
import { formatMicros } from "../../../device/base/time.ts";
import type { ItemShown, LaneStatus, StationStatus, StationView } from "../../../device/console/view.ts";
import { cpuProof } from "../../support/proof-made.ts";

const SIZE_PX = 96;
const T0 = 1_800_000_000_000_000;

/** A station at the console's interface: says what a test tells it to. */
export class FakeStation implements StationView {
  status_: StationStatus;
  readonly #listeners = new Set<(item: ItemShown) => void>();
  #items = 0;

  constructor(status: Partial<StationStatus> = {}) {
    this.status_ = { ...quiet(), ...status };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  status(): StationStatus {
    return this.status_;
  }

  onItem(listener: (item: ItemShown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async metrics(): Promise<string> {
    const metrics = createMetrics();
    metrics.camera("top").update({ seen: 90, dropped: 2, incomplete: 1 });
    metrics.lane("a").verdict({ outcome: "graded", grade: "Class I", late: false });
    metrics.stage.embed.observe(0.004);
    const text = await metrics.text();
    metrics.close();
    return text;
  }

  /** An item passes; `colour` fills its picture, null: it has none. */
  pass(about: Partial<Verdict> = {}, colour: readonly [number, number, number] | null = [200, 40, 30]): Verdict {
    const verdict = { ...verdictOf(++this.#items), ...about };
    const view = colour === null ? null : { index: 2, sizePx: SIZE_PX, crop: filled(colour) };
    for (const listener of this.#listeners) listener({ verdict, view });
    return verdict;
  }
}

export function laneStatus(id: string, about: Partial<LaneStatus> = {}): LaneStatus {
  return {
    id,
    camera: "top",
    conveyor: "belt",
    paused: false,
    items: 0,
    outcomes: { graded: 0, unknown: 0, unsure: 0, empty: 0, "no-image": 0 },
    grades: {},
    late: 0,
    perMinute: 0,
    ...about,
  };
}

/** Every station of ours can be told apart from its first second on; this one has no items yet. */
function quiet(): StationStatus {
  return {
    device: "board-1",
    state: "online",
    reasons: [],
    since: "2027-01-15T08:00:00.000000Z",
    version: "0.1.0",
    uptimeS: 4000,
    model: { name: "fruit", version: "1", hash: "ab".repeat(32), provider: "cpu", proof: cpuProof },
    gallery: { hash: "cd".repeat(32), grades: ["sound", "second", "reject"], items: 24 },
    cameras: [{ id: "top", state: "ok", reason: null, seen: 900, dropped: 0, incomplete: 0, fps: 30, frameAgeMs: 12 }],
    lanes: [laneStatus("a"), laneStatus("b")],
    broker: {
      state: "connected",
      url: "mqtt://127.0.0.1:1883",
      protocol: "5",
      reason: null,
      pendingVerdicts: 0,
      droppedVerdicts: 0,
    },
    latencyMs: { embed: { p50: 4.2, p99: 9.8 }, exposure_to_ack: { p50: 17, p99: 31 } },
  };
}

function verdictOf(number: number): Verdict {
  return {
    v: 1,
    device: "board-1",
    lane: "a",
    seq: number,
    item: `a-x1-0-${number}`,
    outcome: "graded",
    grade: "sound",
    margin: 0.42,
    grades: [{ grade: "sound", distance: 0.31, pValue: null }],
    views: 9,
    sizeMm: 71.4,
    cup: null,
    exposedAt: formatMicros(T0 + number * 1e5),
    decidedAt: formatMicros(T0 + number * 1e5 + 15_000),
    gateAt: formatMicros(T0 + number * 1e5 + 900_000),
    late: false,
    recipe: null,
    model: "ab".repeat(8),
    gallery: "cd".repeat(8),
    ms: { vision: 3, embed: 9, grade: 0.2 },
  };
}

function filled(colour: readonly [number, number, number]): Uint8Array {
  return new Uint8Array(SIZE_PX * SIZE_PX * 3).map((_, i) => colour[i % 3]!);
}
