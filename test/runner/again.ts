import { readFileSync, writeFileSync } from "node:fs";
import type { Result } from "./results.ts";

/** A test that once passed only when it ran again, alone. */
export interface PassedAgain {
  readonly test: string;
  readonly on: string;
  /** What failed first. */
  readonly failed: string;
}

/**
 * Keeps the tests that passed only when they ran again. Once may be an accident of the machine; a test that is in the
 * list already waits for a clock, or the product does.
 *
 * @param path of the list, which is committed
 * @returns those that are there for the second time
 */
export function keepPassedAgain(path: string, passed: readonly Result[], on: string): Result[] {
  const kept = JSON.parse(readFileSync(path, "utf8")) as PassedAgain[];
  const known = new Set(kept.map(({ test }) => test));
  const added = passed.filter(({ name }) => !known.has(name));
  const list = [...kept, ...added.map(({ name, why }) => ({ test: name, on, failed: why }))];
  if (added.length > 0) writeFileSync(path, `${JSON.stringify(list, null, 2)}\n`);
  return passed.filter(({ name }) => known.has(name));
}
