import { nowMicros, parseMicros, parseWall } from "../../base/time.ts";
import type { Verdict } from "../../contract/messages.ts";
import {
  deviceRegisters,
  LANE_HEAD,
  LANE_SIZE,
  LANES_AT,
  laneRegisters,
  MAP_VERSION,
  REASONS,
  RESULT_SIZE,
  type Register,
  RING,
  reasonNumber,
  resultRegisters,
} from "../../contract/modbus-map.ts";
import type { ReasonCode } from "../../contract/reasons.ts";

const HEARTBEAT_US = 100_000;
const NO_MARGIN = -32_768;
const NO_CUP = 65_535;

/** Names by number, for what the PLC knows by numbers. */
export interface Numbers {
  readonly products: () => readonly string[];
  readonly outlets: () => readonly string[];
}

interface Ring {
  /** Line time of each result's gate, by its place. */
  readonly gateAt: Float64Array;
  /** Registers of the lane's block. */
  readonly at: number;
  newest: number;
  held: number;
  slot: number;
  acknowledged: number;
  overrun: number;
}

/** What the registers hold: a ring of results for each lane, filled as verdicts become durable. */
export class RegisterImage {
  readonly #registers: Uint16Array;
  readonly #rings = new Map<string, Ring>();
  readonly #numbers: Numbers;

  constructor(lanes: readonly string[], numbers: Numbers) {
    this.#numbers = numbers;
    this.#registers = new Uint16Array(LANES_AT + lanes.length * LANE_SIZE);
    for (const [index, lane] of lanes.entries()) {
      const at = LANES_AT + index * LANE_SIZE;
      const ring = { gateAt: new Float64Array(RING), at, newest: 0, held: 0, slot: 0, acknowledged: 0, overrun: 0 };
      this.#rings.set(lane, ring);
    }
    this.#put(0, deviceRegisters.version, MAP_VERSION);
    this.#put(0, deviceRegisters.lanes, lanes.length);
    this.#put(0, deviceRegisters.ring, RING);
    this.#put(0, deviceRegisters.resultSize, RESULT_SIZE);
    this.#put(0, deviceRegisters.laneSize, LANE_SIZE);
    this.#put(0, deviceRegisters.lanesAt, LANES_AT);
  }

  get length(): number {
    return this.#registers.length;
  }

  /** Results overwritten before they were acknowledged, by lane. */
  *overruns(): Generator<[lane: string, count: number]> {
    for (const [lane, { overrun }] of this.#rings) if (overrun > 0) yield [lane, overrun];
  }

  setState(state: "online" | "degraded", reasons: readonly ReasonCode[]): void {
    this.#put(0, deviceRegisters.state, state === "online" ? 1 : 2);
    this.#put(0, deviceRegisters.reasons, reasons.length);
    for (let i = 0; i < REASONS; i++) {
      const code = reasons[i];
      this.#registers[deviceRegisters.reason.at + i] = code === undefined ? 0 : reasonNumber(code);
    }
  }

  /** In the order of the lane's sequence. */
  add(verdict: Verdict): void {
    const ring = this.#rings.get(verdict.lane);
    if (ring === undefined || verdict.seq <= ring.newest) return;
    // The first: a PLC that kept its own sequence over our start has read all before it.
    if (ring.held === 0) ring.acknowledged = Math.max(ring.acknowledged, verdict.seq - 1);
    if (ring.held === RING && this.#oldest(ring) > ring.acknowledged) ring.overrun++;
    ring.slot = ring.held === 0 ? 0 : (ring.slot + 1) % RING;
    ring.held = Math.min(RING, ring.held + 1);
    ring.newest = verdict.seq;
    ring.gateAt[ring.slot] = parseMicros(verdict.gateAt);
    this.#putResult(ring.at + LANE_HEAD + ring.slot * RESULT_SIZE, verdict);
    this.#putHead(ring);
  }

  /** Registers as they are now; undefined where some of them are not there. */
  read(from: number, count: number): Uint16Array | undefined {
    if (from < 0 || from + count > this.#registers.length) return undefined;
    const now = nowMicros();
    this.#put(0, deviceRegisters.heartbeat, Math.floor(now / HEARTBEAT_US) % 65_536);
    this.#put(0, deviceRegisters.now, now - parseMicros("1970-01-01T00:00:00Z"));
    for (const ring of this.#rings.values()) {
      const first = ring.at + LANE_HEAD;
      for (let slot = 0; slot < ring.held; slot++) {
        const at = first + slot * RESULT_SIZE;
        if (at + RESULT_SIZE <= from || at >= from + count) continue;
        const ms = Math.round((ring.gateAt[slot]! - now) / 1000);
        this.#put(at, resultRegisters.gateInMs, Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, ms)));
      }
    }
    return this.#registers.subarray(from, from + count);
  }

  /** @returns false where the PLC must not write one of them */
  write(from: number, values: readonly number[]): boolean {
    const ends = from + values.length;
    for (const ring of this.#rings.values()) {
      const at = ring.at + laneRegisters.acknowledged.at;
      if (from < at || ends > at + 2) continue;
      this.#registers.set(values, from);
      const acknowledged = this.#registers[at]! * 65_536 + this.#registers[at + 1]!;
      // Half of it, or more than was ever given: what counts stays.
      if (acknowledged > ring.acknowledged && acknowledged <= ring.newest) ring.acknowledged = acknowledged;
      if (from + values.length === at + 2) this.#putHead(ring);
      return true;
    }
    return false;
  }

  #oldest({ newest, held }: Ring): number {
    return held === 0 ? 0 : newest - held + 1;
  }

  #putHead(ring: Ring): void {
    this.#put(ring.at, laneRegisters.newest, ring.newest);
    this.#put(ring.at, laneRegisters.oldest, this.#oldest(ring));
    this.#put(ring.at, laneRegisters.acknowledged, ring.acknowledged);
    this.#put(ring.at, laneRegisters.waiting, Math.min(65_535, ring.newest - ring.acknowledged));
    this.#put(ring.at, laneRegisters.overrun, Math.min(65_535, ring.overrun));
    this.#put(ring.at, laneRegisters.slot, ring.slot);
  }

  #putResult(at: number, verdict: Verdict): void {
    const { seq, item, gradeCode, outcomeCode, sizeMm, margin, late, product, outlet, cup, gateAt } = verdict;
    const put = (register: Register, value: number): void => this.#put(at, register, value);
    put(resultRegisters.sequence, seq);
    put(resultRegisters.item, Number(/\d+$/.exec(item)?.[0] ?? 0) % 2 ** 32);
    put(resultRegisters.grade, gradeCode);
    put(resultRegisters.outcome, outcomeCode);
    put(resultRegisters.size, Math.min(65_535, Math.round((sizeMm ?? 0) * 10)));
    put(
      resultRegisters.margin,
      margin === null ? NO_MARGIN : Math.max(-32_767, Math.min(32_767, Math.round(margin * 1000))),
    );
    put(resultRegisters.late, late ? 1 : 0);
    put(resultRegisters.product, product === undefined ? 0 : this.#numbers.products().indexOf(product) + 1);
    put(resultRegisters.outlet, outlet === undefined ? 0 : this.#numbers.outlets().indexOf(outlet) + 1);
    put(resultRegisters.cup, cup === null ? NO_CUP : cup % NO_CUP);
    put(resultRegisters.gateAt, parseWall(gateAt));
    put(resultRegisters.check, seq % 65_536);
  }

  #put(block: number, { at, type }: Register, value: number): void {
    const registers = this.#registers;
    const first = block + at;
    switch (type) {
      case "u16":
      case "i16":
        registers[first] = value;
        return;
      case "u32":
      case "i32":
        registers[first] = value >> 16;
        if (type === "u32") registers[first] = Math.floor(value / 65_536);
        registers[first + 1] = value;
        return;
      case "u64": {
        const words = BigInt(Math.round(value));
        for (let word = 0; word < 4; word++)
          registers[first + word] = Number((words >> BigInt(48 - 16 * word)) & 0xffffn);
      }
    }
  }
}
