import { loadForGood } from "./ffi.ts";

/** Enough of `struct timex` of 64-bit Linux (timex.h); times in it are microseconds. */
const TIMEX_BYTES = 256;
const MAX_ERROR_AT = 24;
const STATUS_AT = 40;
const STA_UNSYNC = 0x40;

let adjtimex: ((timex: Buffer) => number) | undefined;

export interface ClockSync {
  readonly synchronised: boolean;
  /** By how much the kernel thinks the clock may be off. */
  readonly errorMs: number;
}

/** Whether something keeps the board's clock right; undefined where the kernel does not say. */
export function clockSync(): ClockSync | undefined {
  try {
    const timex = Buffer.alloc(TIMEX_BYTES);
    adjtimex ??= loadForGood("libc.so.6").func("int adjtimex(void *timex)");
    adjtimex(timex);
    const synchronised = (timex.readInt32LE(STATUS_AT) & STA_UNSYNC) === 0;
    return { synchronised, errorMs: Number(timex.readBigInt64LE(MAX_ERROR_AT)) / 1000 };
  } catch {
    return undefined;
  }
}
