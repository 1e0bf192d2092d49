import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";

/**
 * Runs the tests: `node test/run.ts [--again] [PATTERN...]`. Those that need the machine for themselves (`*.live.test.ts`)
 * come last, one file at a time, and only where the others passed.
 *
 * `--again`: where few files failed, each runs once more, alone. Cameras, brokers and browsers here keep real time, which
 * a shared machine may stop for a second: a test that passes alone says so, and what failed first; a defect fails twice.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { again: { type: "boolean" } } });
const FILE_TIMEOUT_MS = 300_000;
/** More than so many is no accident of the machine. */
const FEW = 3;

const files = globSync(positionals.length > 0 ? positionals : ["test/**/*.test.ts"]).sort();
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(" ")}`);
  process.exit(2);
}
const isLive = (file: string) => file.endsWith(".live.test.ts");
const besides = files.filter((file) => !isLive(file));
const live = files.filter(isLive);
// Most of them wait for something: one file more than there are processors.
const failed = await runFiles(besides, availableParallelism() + 1);
if (failed.size === 0 || mayTryAgain(failed)) {
  for (const [file, names] of await runFiles(live, 1)) failed.set(file, names);
}
if (mayTryAgain(failed)) {
  for (const [file, names] of [...failed]) {
    const what = names.join("; ") || "it ended early";
    console.log(`\n${file} failed (${what}): once more, alone`);
    if ((await runFiles([file], 1)).size > 0) continue;
    failed.delete(file);
    console.log(`\n${file} PASSED ONLY WHEN RUN AGAIN, ALONE. What failed first: ${what}`);
  }
}
process.exitCode = failed.size > 0 ? 1 : 0;

function mayTryAgain({ size }: { size: number }): boolean {
  return values.again === true && size > 0 && size <= FEW;
}

/** @returns the files of which a test failed, with the tests' names */
async function runFiles(chosen: string[], concurrency: number): Promise<Map<string, string[]>> {
  const failing = new Map<string, string[]>();
  if (chosen.length === 0) return failing;
  const events = run({ files: chosen, concurrency, timeout: FILE_TIMEOUT_MS });
  events.on("test:fail", ({ name, file }) => {
    const path = relative(".", file ?? name);
    failing.set(path, [...(failing.get(path) ?? []), ...(path === relative(".", name) ? [] : [name])]);
  });
  for await (const text of events.compose(spec)) process.stdout.write(text);
  return failing;
}
