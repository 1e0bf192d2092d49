import type { Frame } from "../../base/frame.ts";
import type { Micros } from "../../base/time.ts";
import type { SourceCounters } from "../source.ts";

/**
 * Hands frames from the thread that receives them to the thread that looks at them, through shared memory and without
 * a copy. One slot is being looked at, one holds the newest frame, the rest belong to the receiver. The receiver
 * swaps a full slot for the middle one in a single atomic step: where nobody had taken that one, it was dropped.
 */
export interface ExchangeMemory {
  /** Int32: middle slot and whether it is fresh; whether the taker sleeps. */
  readonly control: SharedArrayBuffer;
  /** BigInt64: counters, then SLOT_WORDS per slot. */
  readonly notes: SharedArrayBuffer;
  readonly pixels: SharedArrayBuffer;
  readonly slots: number;
  readonly slotBytes: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Metadata of one frame. */
export interface FrameNote {
  readonly seq: number;
  readonly exposedAt: Micros;
  /** When the last byte of it was here. */
  readonly arrivedAt: Micros;
  readonly complete: boolean;
  readonly cameraId: number | undefined;
  readonly cameraNs: bigint | undefined;
}

const MIDDLE = 0;
const SLEEPING = 1;
const FRESH = 0x100;

const SEEN = 0;
const DROPPED = 1;
const LOST = 2;
const RESTARTS = 3;
const RESENT = 4;
const COUNTERS = 5;
const SLOT_WORDS = 6;
/** Stands for what a camera does not give. */
const NONE = -1n;
/** Slots begin on pages, so that no two threads write the same cache line. */
const PAGE = 4096;

/**
 * @param slots at least 3
 * @param payloadBytes largest picture as it arrives, row padding included
 */
export function createExchange(widthPx: number, heightPx: number, slots: number, payloadBytes: number): ExchangeMemory {
  const slotBytes = Math.ceil(Math.max(payloadBytes, widthPx * heightPx * 3) / PAGE) * PAGE;
  const control = new SharedArrayBuffer(8);
  new Int32Array(control)[MIDDLE] = 1;
  return {
    control,
    notes: new SharedArrayBuffer(8 * (COUNTERS + SLOT_WORDS * slots)),
    pixels: new SharedArrayBuffer(slotBytes * slots),
    slots,
    slotBytes,
    widthPx,
    heightPx,
  };
}

/** The receiver's end. */
export class FrameWriter {
  readonly memory: ExchangeMemory;
  readonly #control: Int32Array;
  readonly #notes: BigInt64Array;
  readonly #slots: Uint8Array[] = [];
  readonly #free = new Set<number>();

  constructor(memory: ExchangeMemory) {
    this.memory = memory;
    this.#control = new Int32Array(memory.control);
    this.#notes = new BigInt64Array(memory.notes);
    for (let slot = 0; slot < memory.slots; slot++) {
      this.#slots.push(new Uint8Array(memory.pixels, slot * memory.slotBytes, memory.slotBytes));
      // 0 begins with the taker, 1 in the middle.
      if (slot >= 2) this.#free.add(slot);
    }
  }

  /** Slots that belong to the receiver now. */
  get free(): ReadonlySet<number> {
    return this.#free;
  }

  bytes(slot: number): Uint8Array {
    return this.#slots[slot]!;
  }

  /**
   * Makes a filled slot the newest frame.
   *
   * @returns the slot that the receiver has instead
   */
  publish(slot: number, note: FrameNote): number {
    const at = COUNTERS + SLOT_WORDS * slot;
    this.#notes[at] = BigInt(note.seq);
    this.#notes[at + 1] = BigInt(Math.round(note.exposedAt));
    this.#notes[at + 2] = BigInt(Math.round(note.arrivedAt));
    this.#notes[at + 3] = note.complete ? 1n : 0n;
    this.#notes[at + 4] = note.cameraId === undefined ? NONE : BigInt(note.cameraId);
    this.#notes[at + 5] = note.cameraNs ?? NONE;
    const before = Atomics.exchange(this.#control, MIDDLE, slot | FRESH);
    if ((before & FRESH) !== 0) Atomics.add(this.#notes, DROPPED, 1n);
    const got = before & ~FRESH;
    this.#free.delete(slot);
    this.#free.add(got);
    return got;
  }

  /** Whether the taker sleeps and must be woken; asks once per sleep. */
  mustWake(): boolean {
    return Atomics.exchange(this.#control, SLEEPING, 0) === 1;
  }

  countSeen(exposures: number, lost: number): void {
    Atomics.add(this.#notes, SEEN, BigInt(exposures));
    if (lost > 0) Atomics.add(this.#notes, LOST, BigInt(lost));
  }

  countResent(packets: number): void {
    Atomics.add(this.#notes, RESENT, BigInt(packets));
  }

  countRestart(): void {
    Atomics.add(this.#notes, RESTARTS, 1n);
  }
}

/** The end that looks at frames. */
export class FrameTaker {
  readonly memory: ExchangeMemory;
  readonly #control: Int32Array;
  readonly #notes: BigInt64Array;
  #held = 0;
  #incomplete = 0;

  constructor(memory: ExchangeMemory) {
    this.memory = memory;
    this.#control = new Int32Array(memory.control);
    this.#notes = new BigInt64Array(memory.notes);
  }

  /** The newest frame, valid until the next call; undefined if none is newer than the last one taken. */
  take(): Frame | undefined {
    if ((Atomics.load(this.#control, MIDDLE) & FRESH) === 0) return undefined;
    this.#held = Atomics.exchange(this.#control, MIDDLE, this.#held) & ~FRESH;
    const at = COUNTERS + SLOT_WORDS * this.#held;
    const { widthPx, heightPx, slotBytes, pixels } = this.memory;
    const complete = this.#notes[at + 3] === 1n;
    if (!complete) this.#incomplete++;
    const cameraId = this.#notes[at + 4]!;
    const cameraNs = this.#notes[at + 5]!;
    return {
      seq: Number(this.#notes[at]),
      exposedAt: Number(this.#notes[at + 1]),
      arrivedAt: Number(this.#notes[at + 2]),
      ...(cameraId === NONE ? {} : { cameraId: Number(cameraId) }),
      ...(cameraNs === NONE ? {} : { cameraNs }),
      status: complete ? "ok" : "incomplete",
      widthPx,
      heightPx,
      data: new Uint8Array(pixels, this.#held * slotBytes, widthPx * heightPx * 3),
    };
  }

  /** Requests a wake-up for the next frame. @returns false if a frame is there already */
  sleep(): boolean {
    Atomics.store(this.#control, SLEEPING, 1);
    return (Atomics.load(this.#control, MIDDLE) & FRESH) === 0;
  }

  get counters(): Required<SourceCounters> {
    return {
      seen: Number(Atomics.load(this.#notes, SEEN)),
      dropped: Number(Atomics.load(this.#notes, DROPPED)),
      incomplete: this.#incomplete,
      lost: Number(Atomics.load(this.#notes, LOST)),
      resent: Number(Atomics.load(this.#notes, RESENT)),
      restarts: Number(Atomics.load(this.#notes, RESTARTS)),
    };
  }
}
