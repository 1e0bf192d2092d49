import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Found, hunt } from "./hunt.ts";
import { fallen, type Scores, scoresOf, tableOf } from "./score.ts";
import {
  changedSources,
  type Equivalent,
  moduleOf,
  mutationsIn,
  type Planted,
  sampleOf,
  sourcesAt,
} from "./sources.ts";

const USAGE = `npm run mutate -- PATH... [options]

Plants mutations in the sources at PATH (a file or a folder), one at a time and in a copy of the tree, and runs the tests
that belong to them. Prints the score and what no test noticed.

  --sample N     so many mutations of each module (default 100; 0: all)
  --seed S       which ones (default 1)
  --json         one JSON object instead of the table
  --keep         write the scores to test/mutate/scores.json
  --changed      instead of PATH: the modules that the branch changes; exit code 1 where one falls by more than 5 points
  --minutes M    plant nothing more after so long
  --jobs N       trees to work in side by side (default 1)
  --slowest S    leave out test files that need a processor for more than S seconds (default 20, which slow.json names)`;

const HERE = import.meta.dirname;
const ROOT = join(HERE, "..", "..");
const SLOWEST_S = 20;
const SCORES = join(HERE, "scores.json");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    changed: { type: "boolean", default: false },
    minutes: { type: "string" },
    jobs: { type: "string", default: "1" },
    slowest: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help || values.changed === positionals.length > 0) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}

const equivalents = readJson<Equivalent[]>(join(HERE, "equivalent.json"));
const kept = readJson<Scores>(SCORES);
const seed = Number(values.seed);
const modules = modulesToHunt();
if (modules.size === 0) console.error("no module with a score is changed: nothing to plant");

const sampled = [...modules].map(([name, files]) => sampleFrom(name, files));
// In turns, so that each module has its share of the time.
const inTurns = Array.from({ length: Math.max(0, ...sampled.map(({ length }) => length)) }, (_, nth) =>
  sampled.flatMap((mutations) => mutations[nth] ?? []),
).flat();

const found = await hunt(inTurns, {
  root: ROOT,
  jobs: Number(values.jobs),
  slowestMs: Number(values.slowest ?? SLOWEST_S) * 1000,
  slow: new Set(values.slowest === undefined ? readJson<string[]>(join(HERE, "slow.json")) : []),
  until: performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000,
  tell: (line) => console.error(line),
});
report(found);

/** @returns the modules with their sources; of changed ones those with a score, whole */
function modulesToHunt(): Map<string, string[]> {
  const files = values.changed
    ? [...new Set(changedSources(ROOT).map(moduleOf))]
        .filter((name) => Object.hasOwn(kept, name))
        .flatMap((name) => sourcesAt(ROOT, name))
    : positionals.flatMap((path) => sourcesAt(ROOT, path));
  return Map.groupBy(new Set(files), moduleOf);
}

function sampleFrom(name: string, files: readonly string[]): Planted[] {
  const known = new Set(equivalents.map(({ name }) => name));
  const mutations = mutationsIn(ROOT, files).filter(({ name }) => !known.has(name));
  const last = values.changed ? kept[name] : undefined;
  const size = last?.sample ?? Number(values.sample);
  return sampleOf(mutations, size === 0 ? mutations.length : size, last?.seed ?? seed);
}

function report(found: readonly Found[]): void {
  const scores = scoresOf(found, { sample: Number(values.sample), seed });
  const here = new Set([...modules.values()].flat());
  const equivalent = equivalents.filter(({ name }) => here.has(name.split(" | ")[0]!));
  if (values.json) {
    const outcomes = found.map(({ planted, outcome, by }) => ({ name: planted.name, line: planted.line, outcome, by }));
    console.log(JSON.stringify({ scores, equivalent, outcomes }, null, 2));
  } else console.log(tableOf(found, equivalent));
  const sure = found.every(({ outcome }) => outcome !== "not told");
  if (values.keep && !sure) {
    console.error("nothing is kept: without the tests that were left out the score would be another one");
    process.exitCode = 1;
  } else if (values.keep) {
    const all = Object.entries({ ...kept, ...scores }).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(SCORES, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
  }
  if (!values.changed) return;
  for (const line of fallen(found, kept)) {
    console.error(line);
    process.exitCode = 1;
  }
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
