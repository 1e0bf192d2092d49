import { rounded } from "../base/numbers.ts";
import { parseMicros } from "../base/time.ts";
import type { Verdict } from "../contract/messages.ts";

/** What the simulation knows about one fruit or empty cup. */
export interface Truth {
  readonly lane: string;
  /** `unknown` for fruit of no enrolled grade; null for an empty cup. */
  readonly grade: string | null;
  /** Microseconds since the Unix epoch. */
  readonly gateAt: number;
}

/** The demo's result; the keys are documented in the README. */
export interface Summary {
  /** Fruit that passed the gate. */
  readonly passed: number;
  /** Verdicts that came for them. */
  readonly verdicts: number;
  /** Fruit without a verdict. */
  readonly missed: number;
  /** Verdicts beyond the first for the same fruit, and verdicts where nothing passed. */
  readonly double: number;
  /** Share of fruit whose verdict is the simulation's truth; `unknown` is the truth of a stranger. */
  readonly agreement: number;
  /** confusion[truth][verdict]: fruit. */
  readonly confusion: Record<string, Record<string, number>>;
  /** Verdicts `unknown`: for strangers (right), for fruit of an enrolled grade (wrong). */
  readonly unknown: { readonly right: number; readonly wrong: number };
  /** Empty cups that were called empty, and that were not. */
  readonly empty: { readonly right: number; readonly wrong: number };
  readonly frames: { readonly seen: number; readonly dropped: number };
  /** Exposure of the item's last frame to the broker's acknowledgement of its verdict. */
  readonly exposureToAckMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Verdicts that were decided, or acknowledged, after the fruit had reached its gate. */
  readonly late: number;
  /** Fruit by lot, in the order in which the lots were on; they add up to `passed`. */
  readonly lots: readonly LotCount[];
}

export interface LotCount {
  readonly id: string;
  readonly passed: number;
  /** Fruit by grade, or by outcome where they have none. */
  readonly grades: Record<string, number>;
}

interface Match {
  readonly truth: Truth;
  readonly verdicts: Verdict[];
}

/**
 * Compares verdicts as they came over MQTT with the simulation's truth. A verdict belongs to the fruit of its lane
 * whose time at the gate is nearest: two fruit that touch are 40 mm apart at least, a verdict's time is true to a few.
 */
export class Tally {
  readonly #lanes = new Map<string, Match[]>();
  readonly #truths: readonly Truth[];
  readonly #strays: Verdict[] = [];
  readonly #seen = new Set<string>();
  readonly #toleranceUs: number;
  readonly #ackMs = new Map<string, number>();
  /** Fruit that reach a gate together with the last one that counts, and do not count themselves. */
  readonly #beyond = new Set<Truth>();

  /**
   * @param truths all that passes, in any order
   * @param toleranceUs how far a verdict's time at the gate may be from the truth
   */
  constructor(truths: readonly Truth[], toleranceUs: number) {
    this.#truths = [...truths].sort((a, b) => a.gateAt - b.gateAt);
    this.#toleranceUs = toleranceUs;
    for (const truth of this.#truths) {
      const lane = this.#lanes.get(truth.lane) ?? [];
      this.#lanes.set(truth.lane, lane);
      lane.push({ truth, verdicts: [] });
    }
  }

  /** Takes one message; the same item again is a repeat after a reconnect, not a second verdict. */
  add(verdict: Verdict): void {
    if (this.#seen.has(verdict.item)) return;
    this.#seen.add(verdict.item);
    const match = this.#nearest(verdict.lane, parseMicros(verdict.gateAt));
    if (match === undefined) this.#strays.push(verdict);
    else match.verdicts.push(verdict);
  }

  acknowledged(verdict: Verdict, atUs: number): void {
    this.#ackMs.set(verdict.item, (atUs - parseMicros(verdict.exposedAt)) / 1000);
  }

  /**
   * Has no more than `count` fruit count, in the order of their gates.
   *
   * @returns when the last of them reaches its gate
   */
  gateAtOf(count: number): number {
    let fruit = 0;
    let at = 0;
    for (const truth of this.#truths) {
      if (truth.grade === null) continue;
      if (++fruit <= count) at = truth.gateAt;
      else if (truth.gateAt === at) this.#beyond.add(truth);
      else break;
    }
    return at;
  }

  /** Whether everything that reaches its gate until then has its verdict. */
  complete(untilUs: number): boolean {
    for (const lane of this.#lanes.values()) {
      for (const { truth, verdicts } of lane) {
        if (this.#beyond.has(truth)) continue;
        if (truth.gateAt <= untilUs && verdicts.length === 0) return false;
        if (verdicts.some(({ item }) => truth.gateAt <= untilUs && !this.#ackMs.has(item))) return false;
      }
    }
    return true;
  }

  /** The figures over all that reached its gate until then. */
  summary(untilUs: number, frames: { seen: number; dropped: number }): Summary {
    // Without prototypes: a grade may be called `constructor`.
    const confusion: Summary["confusion"] = Object.create(null);
    const ack: number[] = [];
    let passed = 0;
    let verdicts = 0;
    let missed = 0;
    let double = 0;
    let agreed = 0;
    let late = 0;
    const unknown = { right: 0, wrong: 0 };
    const empty = { right: 0, wrong: 0 };
    const lots = new LotCounts();
    for (const lane of this.#lanes.values()) {
      // A fruit without a verdict belongs to the lot of the one before it.
      let lot = lane.flatMap(({ verdicts }) => verdicts[0]?.lot ?? [])[0];
      for (const match of lane) {
        const { truth } = match;
        if (truth.gateAt > untilUs || this.#beyond.has(truth)) continue;
        lot = match.verdicts[0]?.lot ?? lot;
        if (truth.grade !== null) lots.add(lot, match.verdicts[0]);
        const first = match.verdicts[0];
        double += Math.max(0, match.verdicts.length - 1);
        for (const verdict of match.verdicts) {
          const ms = this.#ackMs.get(verdict.item);
          if (ms !== undefined) ack.push(ms);
          const gateMs = (parseMicros(verdict.gateAt) - parseMicros(verdict.exposedAt)) / 1000;
          if (verdict.late || (ms !== undefined && ms > gateMs)) late++;
        }
        if (truth.grade === null) {
          if (first?.outcome === "empty") empty.right++;
          else empty.wrong++;
          continue;
        }
        passed++;
        if (first === undefined) {
          missed++;
          continue;
        }
        verdicts += match.verdicts.length;
        const said = first.grade ?? first.outcome;
        confusion[truth.grade] ??= Object.create(null) as Summary["confusion"][string];
        const row = confusion[truth.grade]!;
        row[said] = (row[said] ?? 0) + 1;
        if (said === truth.grade) agreed++;
        if (said === "unknown") unknown[truth.grade === "unknown" ? "right" : "wrong"]++;
      }
    }
    // Cups that stood in the frame when the line started carry nothing and are called empty: right, and no fruit.
    const strays = this.#strays.filter(({ outcome, gateAt }) => outcome !== "empty" && parseMicros(gateAt) <= untilUs);
    double += strays.length;
    ack.sort((a, b) => a - b);
    return {
      passed,
      verdicts,
      missed,
      double,
      agreement: passed === 0 ? 0 : rounded(agreed / passed, 4),
      confusion,
      unknown,
      empty,
      frames,
      exposureToAckMs: { p50: quantile(ack, 0.5), p99: quantile(ack, 0.99), max: quantile(ack, 1) },
      late,
      lots: lots.list(),
    };
  }

  #nearest(laneId: string, gateAt: number): Match | undefined {
    const lane = this.#lanes.get(laneId) ?? [];
    let low = 0;
    let high = lane.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lane[middle]!.truth.gateAt < gateAt) low = middle + 1;
      else high = middle;
    }
    let best: Match | undefined;
    for (const match of [lane[low - 1], lane[low]]) {
      if (match === undefined) continue;
      if (best === undefined || Math.abs(match.truth.gateAt - gateAt) < Math.abs(best.truth.gateAt - gateAt))
        best = match;
    }
    return best !== undefined && Math.abs(best.truth.gateAt - gateAt) <= this.#toleranceUs ? best : undefined;
  }
}

class LotCounts {
  readonly #lots = new Map<string, { id: string; passed: number; grades: Record<string, number> }>();

  add(lot: string | undefined, verdict: Verdict | undefined): void {
    if (lot === undefined) return;
    const count = this.#lots.get(lot) ?? { id: lot, passed: 0, grades: Object.create(null) as Record<string, number> };
    this.#lots.set(lot, count);
    count.passed++;
    if (verdict === undefined) return;
    const said = verdict.grade ?? verdict.outcome;
    count.grades[said] = (count.grades[said] ?? 0) + 1;
  }

  /** By name: the demo names them in their order. */
  list(): LotCount[] {
    return [...this.#lots.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** Nearest-rank quantile of sorted values, rounded to a microsecond; 0 where there are none. */
function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return 0;
  return rounded(sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!, 3);
}
