import { relative } from "node:path";
import type { EventData } from "node:test";

export interface Result {
  /** Path of the file, then the names of the suites around the test, then its own. */
  readonly name: string;
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped, or what failed. */
  readonly why: string;
}

/** A skipped test that is expected to be, by name, with the reason. */
export interface ExpectedSkip {
  /** A test's or a suite's name as `Result` has it; one that ends in `*` stands for all that begin so. */
  readonly test: string;
  readonly reason: string;
}

/** Gathers what a run of node:test tells, under the whole name of each test. */
export class Results {
  readonly all: Result[] = [];
  readonly #around = new Map<string, string[]>();

  started({ file, name, nesting }: EventData.TestStart): void {
    const path = pathOf(file, name);
    const names = this.#around.get(path) ?? [];
    this.#around.set(path, [...names.slice(0, nesting), name]);
  }

  passed(data: EventData.TestPass): void {
    const { skip, details } = data;
    // A suite is what is in it; one that is skipped whole tells nothing of what is in it.
    if (skip === undefined && details.type === "suite") return;
    const skipped = skip !== undefined && skip !== false;
    this.#add(data, skipped ? "skipped" : "passed", typeof skip === "string" ? skip : "");
  }

  failed(data: EventData.TestFail): void {
    const error = data.details.error as Error & { readonly failureType?: string };
    if (data.todo !== undefined || error.failureType === "subtestsFailed") return;
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    this.#add(data, "failed", cause.split("\n", 1)[0]!);
  }

  /** In the place of what was told of the file itself: that it broke off says nothing. */
  fileFailed(file: string, why: string): void {
    const name = `${file} > the file itself`;
    const at = this.all.findIndex((result) => result.name === name);
    if (at >= 0) this.all.splice(at, 1);
    this.all.push({ name, file, outcome: "failed", why });
  }

  #add(data: EventData.TestPass | EventData.TestFail, outcome: Result["outcome"], why: string): void {
    const { name, nesting } = data;
    const file = pathOf(data.file, name);
    const around = (this.#around.get(file) ?? []).slice(0, nesting);
    // A file that ends early is told as a test of the file's own name.
    const names = name === file || relative(".", name) === file ? ["the file itself"] : [...around, name];
    this.all.push({ name: [file, ...names].join(" > "), file, outcome, why });
  }
}

function pathOf(file: string | undefined, name: string): string {
  return relative(".", file ?? name);
}

/** @returns names that more than one test has: which of them failed could not be told */
export function namesTwice(results: readonly Result[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { name } of results) {
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return [...twice];
}

/** @returns those that nobody expects to be skipped */
export function unexpectedSkips(results: readonly Result[], expected: readonly ExpectedSkip[]): Result[] {
  return results.filter(({ outcome, name }) => outcome === "skipped" && !expected.some((skip) => names(skip, name)));
}

/** @returns expected skips that name no test at all: they were renamed, or are gone */
export function staleSkips(results: readonly Result[], expected: readonly ExpectedSkip[]): ExpectedSkip[] {
  return expected.filter((skip) => !results.some(({ name }) => names(skip, name)));
}

function names({ test }: ExpectedSkip, name: string): boolean {
  return test.endsWith("*") ? name.startsWith(test.slice(0, -1)) : name === test;
}

/** @returns what failed first and passed when it ran again, with why it failed first */
export function passedOnlyAgain(first: readonly Result[], second: readonly Result[]): Result[] {
  const passed = new Set(second.filter(({ outcome }) => outcome === "passed").map(({ name }) => name));
  const fileFails = second.some(({ outcome }) => outcome === "failed");
  return first.filter(
    ({ outcome, name }) =>
      outcome === "failed" && (passed.has(name) || (!fileFails && name.endsWith("the file itself"))),
  );
}
