import { type Micros, nowMicros } from "../../base/time.ts";

/** A thread that sleeps may wake this much too late; the rest is waited for awake. */
const AWAKE_US = 300;

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Holds this thread until a moment that is some milliseconds away. */
export function waitUntil(at: Micros): void {
  const sleepUs = at - nowMicros() - AWAKE_US;
  if (sleepUs > 0) Atomics.wait(nobody, 0, 0, sleepUs / 1000);
  while (nowMicros() < at);
}
