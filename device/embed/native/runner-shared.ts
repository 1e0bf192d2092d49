/** What the two sides of a runner agree on. */
export interface RunnerSetup {
  /** The library, which the asking thread holds for good. */
  readonly path: string;
  readonly addresses: Readonly<Record<"RunWithBinding" | "GetErrorCode" | "GetErrorMessage" | "ReleaseStatus", bigint>>;
  readonly shared: SharedArrayBuffer;
}

/** Of a run: how long the library took, and what it said where it failed. */
export interface RunDone {
  readonly ms: number;
  readonly failure: { readonly code: number; readonly message: string } | undefined;
}

/** Runs that may be with the thread at once: one runs, one waits, so that the session never starves. */
export const SLOTS = 2;
/** The first number says how many runs were asked for, modulo this; `END` ends the thread. */
export const COUNT_MASK = 0x3fffffff;
export const END = -1;
/** Behind it, for each slot: session, run options, binding. */
export const ADDRESSES_AT = 8;
export const ADDRESSES_PER_SLOT = 3;
export const SHARED_BYTES = ADDRESSES_AT + SLOTS * ADDRESSES_PER_SLOT * 8;
