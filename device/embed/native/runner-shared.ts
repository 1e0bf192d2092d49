/** What the two sides of a runner agree on. */
export interface RunnerSetup {
  /** The library, which the asking thread holds for good. */
  readonly path: string;
  readonly addresses: Readonly<Record<"RunWithBinding" | "GetErrorCode" | "GetErrorMessage" | "ReleaseStatus", bigint>>;
  readonly shared: SharedArrayBuffer;
}

/** Runs that may be with the thread at once: one runs, one waits, so that the session never starves. */
export const SLOTS = 2;
/** Counts of runs are kept modulo this; `END` in the place of the count of those asked for ends the thread. */
export const COUNT_MASK = 0x3fffffff;
export const END = -1;
/** What the library said of a failed run is cut there, bytes of UTF-8. */
const MESSAGE_BYTES = 4096;
const ADDRESSES = 3;
const CONTROL_BYTES = 8;
const SLOT_BYTES = ADDRESSES * 8 + 16 + 8 + MESSAGE_BYTES;

/** Memory of one run. */
export interface SharedSlot {
  /** Session, run options, binding. */
  readonly handles: BigUint64Array;
  /** How long the library took, and how long it had had nothing to do before, milliseconds. */
  readonly times: Float64Array;
  /** Whether it failed (0 or 1) with which of the library's codes. */
  readonly failure: Int32Array;
  /** What the library said; its end is the first 0. */
  readonly message: Uint8Array;
}

/** Memory that both threads see: neither makes an object for the other, which would cost more than a short run. */
export interface Shared {
  /** How many runs were asked for, and how many ended. */
  readonly asked: Int32Array;
  readonly ended: Int32Array;
  readonly slots: readonly SharedSlot[];
}

export function newShared(): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + SLOTS * SLOT_BYTES);
}

export function sharedOver(buffer: SharedArrayBuffer): Shared {
  return {
    asked: new Int32Array(buffer, 0, 1),
    ended: new Int32Array(buffer, 4, 1),
    slots: Array.from({ length: SLOTS }, (_, slot) => {
      const at = CONTROL_BYTES + slot * SLOT_BYTES;
      const after = at + ADDRESSES * 8;
      return {
        handles: new BigUint64Array(buffer, at, ADDRESSES),
        times: new Float64Array(buffer, after, 2),
        failure: new Int32Array(buffer, after + 16, 2),
        message: new Uint8Array(buffer, after + 24, MESSAGE_BYTES),
      };
    }),
  };
}
