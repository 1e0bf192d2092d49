import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/**
 * Microseconds of line time: wall time at the start of the process, then by the monotonic clock, the same in all its
 * threads. It never jumps; wall time is made of it where a time leaves the process. A double holds it exactly until 2255.
 */
export type Micros = number;

/** Differences below this are how finely the clocks are read, or how the machine stood still in between. */
const STEP_US = 20_000;
const READ_AGAIN_US = 1e6;
const READING_US = 1000;
const ORIGIN = "gradeline.lineTime";

const originUs = originOf();
/** From line time to wall time; a step of the wall clock changes it. */
let offsetUs = 0;
let readAt = 0;
let steps: ClockSteps = { count: 0, us: 0, at: 0 };

/** How often the wall clock was set under this thread, and the last time: by how much, and when. */
export interface ClockSteps {
  readonly count: number;
  readonly us: number;
  readonly at: Micros;
}

/** Now, with the resolution of the monotonic clock. */
export function nowMicros(): Micros {
  return Math.round(originUs + monotonicUs());
}

/**
 * Holds wall time against the monotonic clock: where the wall clock was set, times from now on follow it. Called before
 * several times are made that belong together; else it happens by itself once a second.
 *
 * @returns the steps so far
 */
export function readClock(): ClockSteps {
  const before = nowMicros();
  const wallUs = Date.now() * 1000 + 500;
  readAt = nowMicros();
  // Stopped between the two: the next reading tells.
  if (readAt - before > READING_US) return steps;
  const found = wallUs - before;
  const us = found - offsetUs;
  if (Math.abs(us) < STEP_US) return steps;
  offsetUs = found;
  steps = { count: steps.count + 1, us, at: before };
  return steps;
}

/**
 * Wall time as RFC 3339 in UTC with microseconds, e.g. `2026-11-23T15:04:05.123456Z`.
 *
 * @param us line time
 */
export function formatMicros(us: Micros): string {
  if (nowMicros() - readAt > READ_AGAIN_US) readClock();
  const wallUs = Math.round(us + offsetUs);
  const ms = Math.floor(wallUs / 1000);
  const rest = String(Math.round(wallUs - ms * 1000)).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}Z`;
}

/** The reverse of {@link formatMicros}; NaN where the text is no such time. */
export function parseMicros(text: string): Micros {
  return parseWall(text) - offsetUs;
}

/** Microseconds since the Unix epoch that a text names; NaN where it is no such time. */
export function parseWall(text: string): number {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text);
  if (match === null) return Number.NaN;
  return Date.parse(`${match[1]}Z`) * 1000 + Number((match[2] ?? "").padEnd(6, "0"));
}

function monotonicUs(): number {
  const [seconds, ns] = process.hrtime();
  return seconds * 1e6 + ns / 1000;
}

/** Found once, by the main thread: threads that start after the clock was set must not have another. */
function originOf(): number {
  const known = getEnvironmentData(ORIGIN);
  if (typeof known === "number") return known;
  const own = (performance.timeOrigin + performance.now()) * 1000 - monotonicUs();
  setEnvironmentData(ORIGIN, own);
  return own;
}
