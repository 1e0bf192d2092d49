import { formatMicros, nowMicros } from "../base/time.ts";
import type { LaneStatsMessage, Verdict } from "../contract/messages.ts";

/** Seconds over which the rate is taken. */
const RATE_S = 10;

/** Counts of one lane since the daemon started. */
export class LaneStats {
  readonly #lane: string;
  readonly #outcomes = { graded: 0, unknown: 0, unsure: 0, foreign: 0, empty: 0, "no-image": 0 };
  readonly #grades = new Map<string, number>();
  /** Items decided in each of the last seconds, by second modulo the ring's length. */
  readonly #perSecond = new Uint32Array(RATE_S + 1);
  #second = 0;
  #items = 0;
  #late = 0;

  constructor(lane: string) {
    this.#lane = lane;
  }

  add(verdict: Verdict): void {
    this.#items++;
    this.#outcomes[verdict.outcome]++;
    if (verdict.grade !== null) this.#grades.set(verdict.grade, (this.#grades.get(verdict.grade) ?? 0) + 1);
    if (verdict.late) this.#late++;
    this.#advance();
    this.#perSecond[this.#second % this.#perSecond.length]!++;
  }

  get items(): number {
    return this.#items;
  }

  get late(): number {
    return this.#late;
  }

  message(): LaneStatsMessage {
    this.#advance();
    let recent = 0;
    for (const [index, count] of this.#perSecond.entries()) {
      // The second that runs is not over yet.
      if (index !== this.#second % this.#perSecond.length) recent += count;
    }
    return {
      at: formatMicros(nowMicros()),
      lane: this.#lane,
      items: this.#items,
      outcomes: { ...this.#outcomes },
      grades: Object.fromEntries(this.#grades),
      late: this.#late,
      itemsPerS: recent / RATE_S,
      enrolling: null,
      drift: { learned: 0, learntFrom: null, findings: [], signals: [] },
    };
  }

  #advance(): void {
    const second = Math.floor(nowMicros() / 1e6);
    const from = Math.max(this.#second + 1, second - RATE_S);
    for (let s = from; s <= second; s++) this.#perSecond[s % this.#perSecond.length] = 0;
    this.#second = second;
  }
}
