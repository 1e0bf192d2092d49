import { globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { keepPassedAgain } from "./runner/again.ts";
import { type FileRun, Files } from "./runner/files.ts";
import {
  type ExpectedSkip,
  namesTwice,
  passedOnlyAgain,
  type Result,
  staleSkips,
  unexpectedSkips,
} from "./runner/results.ts";

/**
 * Runs the tests: `node test/run.ts [--again] [--skips] [--timeout S] [PATTERN...]`. Those that need the machine for themselves
 * (`*.live.test.ts`) come last, one file at a time, and only where the others passed.
 *
 * `--again`: where few files failed, each runs once more, alone. Cameras, brokers and browsers here keep real time, which
 * a shared machine may stop for a second: a test that passes alone is named, with what failed first, and kept in
 * `passed-again.json`. One that is in that list already fails: a defect, or a test that waits for a clock.
 *
 * `--skips`: a skipped test that `expected-skips.json` does not name fails the run.
 *
 * `--timeout`: seconds that a file may take, 300 where nothing is said. Then all its processes are ended, the file has
 * failed, and the others go on.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { again: { type: "boolean" }, skips: { type: "boolean" }, timeout: { type: "string", default: "300" } },
});
/** More than so many is no accident of the machine. */
const FEW = 3;
const PASSED_AGAIN = join(import.meta.dirname, "passed-again.json");
/** Files that are named with the processor time that they take. */
const SLOWEST = 10;
const EXPECTED_SKIPS = join(import.meta.dirname, "expected-skips.json");

const files = globSync(positionals.length > 0 ? positionals : ["test/**/*.test.ts"]).sort();
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(" ")}`);
  process.exit(2);
}
const took: FileRun[] = [];
const isLive = (file: string) => file.endsWith(".live.test.ts");
// Most of them wait for something: one file more than there are processors.
const results = await runFiles(
  files.filter((file) => !isLive(file)),
  availableParallelism() + 1,
);
if (!hasFailed(results) || mayTryAgain(results)) results.push(...(await runFiles(files.filter(isLive), 1)));

const problems: string[] = [];
const failing = new Set(failed(results).map(({ file }) => file));
if (mayTryAgain(results)) {
  for (const file of [...failing]) {
    const first = results.filter((result) => result.file === file);
    console.log(`\n${file} failed (${failed(first).map(whatFailed).join("; ")}): once more, alone`);
    const second = await runFiles([file], 1);
    if (hasFailed(second)) continue;
    failing.delete(file);
    problems.push(...tellPassedAgain(passedOnlyAgain(first, second)));
  }
}
for (const file of failing) problems.push(`${file} failed`);
for (const name of namesTwice(results)) problems.push(`two tests have the name ${name}`);
problems.push(...skipProblems());

if (files.length > SLOWEST) tellSlowest();
const count = (outcome: Result["outcome"]) => results.filter((result) => result.outcome === outcome).length;
console.log(`\n${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function failed(some: readonly Result[]): Result[] {
  return some.filter(({ outcome }) => outcome === "failed");
}

function hasFailed(some: readonly Result[]): boolean {
  return failed(some).length > 0;
}

function whatFailed({ name, why }: Result): string {
  return `${name}: ${why}`;
}

function mayTryAgain(some: readonly Result[]): boolean {
  return values.again === true && hasFailed(some) && new Set(failed(some).map(({ file }) => file)).size <= FEW;
}

/** @returns what is wrong with it */
function tellPassedAgain(passed: readonly Result[]): string[] {
  for (const result of passed) console.log(`\nPASSED ONLY WHEN RUN AGAIN, ALONE: ${whatFailed(result)}`);
  return keepPassedAgain(PASSED_AGAIN, passed, new Date().toISOString().slice(0, 10)).map(
    ({ name }) =>
      `${name} passed only when run again, and not for the first time: test/passed-again.json has it already`,
  );
}

function skipProblems(): string[] {
  const expected = JSON.parse(readFileSync(EXPECTED_SKIPS, "utf8")) as ExpectedSkip[];
  const unexpected = unexpectedSkips(results, expected);
  for (const { name, why } of unexpected) console.log(`skipped: ${name} (${why})`);
  if (values.skips !== true) return [];
  const stale = positionals.length > 0 ? [] : staleSkips(results, expected);
  return [
    ...unexpected.map(({ name, why }) => `skipped, and test/expected-skips.json does not name it: ${name} (${why})`),
    ...stale.map(({ test }) => `test/expected-skips.json names a test that there is not: ${test}`),
  ];
}

async function runFiles(chosen: string[], concurrency: number): Promise<Result[]> {
  if (chosen.length === 0) return [];
  const files = new Files({ concurrency, timeoutMs: Number(values.timeout) * 1000, tell: (line) => console.log(line) });
  const stop = () => {
    files.stop();
    process.exit(130);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const ran = files.run(chosen);
  for await (const text of files.events.compose(spec)) process.stdout.write(text);
  await ran;
  process.off("SIGINT", stop).off("SIGTERM", stop);
  took.push(...files.took);
  return files.heard.all;
}

function tellSlowest(): void {
  const slowest = took.toSorted((a, b) => b.processorS - a.processorS).slice(0, SLOWEST);
  console.log("\nprocessor time and time by the clock, of the files that take most:");
  for (const { file, processorS, wallS } of slowest) {
    console.log(`${processorS.toFixed(1).padStart(8)} s ${wallS.toFixed(1).padStart(6)} s  ${file}`);
  }
}
