import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Belonging } from "./belonging.ts";
import { Coverage } from "./coverage.ts";
import { withMutation } from "./mutations.ts";
import type { Planted } from "./sources.ts";
import { runTestFile } from "./test-file.ts";
import { Tree } from "./tree.ts";

export interface Found {
  readonly planted: Planted;
  /**
   * `not run`: no test that belongs to the source comes to that place; `refused`: the compiler does not take it;
   * `not told`: no test noticed it, but one that might have was too slow this time, or failed without any mutation.
   */
  readonly outcome: "noticed" | "timed out" | "survived" | "not run" | "refused" | "not told";
  /** The test file that noticed it. */
  readonly by?: string;
}

export interface HuntOptions {
  readonly root: string;
  readonly jobs: number;
  /** A test file that needs a processor for longer than this as things are is left out. */
  readonly slowestMs: number;
  /** Files of which that is known. */
  readonly slow: ReadonlySet<string>;
  /** `performance.now()` after which no further mutation is planted. */
  readonly until: number;
  readonly tell: (line: string) => void;
}

/** A test file may take so many times as long by the clock as it may by the processor: others may need that, too. */
const PATIENCE = 6;

interface KnownTest {
  readonly file: string;
  readonly ms: number;
  readonly coverage: Coverage;
}

/** Plants the mutations one at a time, each job in a tree of its own, and runs the tests that come to the place. */
export async function hunt(mutations: readonly Planted[], options: HuntOptions): Promise<Found[]> {
  const trees = Array.from({ length: options.jobs }, () =>
    Tree.copy(options.root, mkdtempSync(join(tmpdir(), "gradeline-mutate-"))),
  );
  const stop = () => {
    for (const tree of trees) tree.remove();
    process.exit(130);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    if (!trees[0]!.compiles()) throw new Error("the tree does not compile as it is: npm run check");
    const belonging = new Belonging(options.root);
    const known = new Map<string, Promise<KnownTest | undefined>>();
    const found: Found[] = [];
    await inEach(trees, mutations, async (tree, planted) => {
      if (performance.now() > options.until) return;
      const tests = belonging.of(planted.file).filter((file) => !options.slow.has(file));
      // Those that are known already come first: another may never be needed.
      const ordered = [...tests.filter((file) => known.has(file)), ...tests.filter((file) => !known.has(file))];
      const result = await plant(tree, planted, ordered, (file) => {
        if (!known.has(file)) known.set(file, firstRun(tree, file, options));
        return known.get(file)!;
      });
      found.push(result);
      options.tell(`${found.length}/${mutations.length} ${result.outcome}: ${planted.name}`);
    });
    return found;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    for (const tree of trees) tree.remove();
  }
}

async function inEach<T>(trees: readonly Tree[], work: readonly T[], run: (tree: Tree, one: T) => Promise<void>) {
  const waiting = [...work];
  const job = async (tree: Tree) => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await run(tree, one);
  };
  await Promise.all(trees.map(job));
}

/** Runs a test file over the sources as they are. One that fails is left out: what a mutation does it could not tell. */
async function firstRun(tree: Tree, file: string, options: HuntOptions): Promise<KnownTest | undefined> {
  const folder = mkdtempSync(join(tree.root, "..", "coverage-"));
  // Counting what ran costs time, too, and so do the processes that write it down.
  const { passed, timedOut, ms, processorMs, output } = await runTestFile(tree.root, file, {
    timeoutMs: options.slowestMs * PATIENCE,
    coverage: folder,
  });
  try {
    if (timedOut || processorMs > options.slowestMs) {
      const took = `${Math.round(processorMs / 1000)} s of a processor in ${Math.round(ms / 1000)} s`;
      options.tell(`left out: ${file} takes too long (${took}); name it in test/mutate/slow.json`);
      return undefined;
    }
    if (!passed) {
      options.tell(`left out: ${file} fails without any mutation\n${output}`);
      return undefined;
    }
    return { file, ms, coverage: new Coverage(folder, tree.root) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param tests that belong to it
 * @param know runs a test over the sources as they are, when it is needed first; undefined: it is left out
 */
async function plant(
  tree: Tree,
  planted: Planted,
  tests: readonly string[],
  know: (file: string) => Promise<KnownTest | undefined>,
): Promise<Found> {
  const source = readFileSync(join(tree.root, planted.file), "utf8");
  let comes = false;
  let leftOut = false;
  for (const file of tests) {
    const test = await know(file);
    leftOut ||= test === undefined;
    if (test?.coverage.ran(planted.file, planted.at) !== true) continue;
    comes = true;
    tree.write(planted.file, withMutation(source, planted));
    const { passed, timedOut } = await runTestFile(tree.root, file, { timeoutMs: 4 * test.ms + 10_000 });
    tree.write(planted.file, source);
    if (timedOut) return { planted, outcome: "timed out", by: file };
    if (!passed) return { planted, outcome: "noticed", by: file };
  }
  tree.write(planted.file, withMutation(source, planted));
  const compiles = tree.compiles();
  tree.write(planted.file, source);
  if (!compiles) return { planted, outcome: "refused" };
  if (leftOut) return { planted, outcome: "not told" };
  return { planted, outcome: comes ? "survived" : "not run" };
}
