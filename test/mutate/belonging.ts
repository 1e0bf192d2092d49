import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** Which test files belong to a source: found by what imports what. */
export class Belonging {
  readonly #root: string;
  readonly #imports = new Map<string, readonly string[]>();
  readonly #tests: readonly string[];

  /** @param root of the tree */
  constructor(root: string) {
    this.#root = root;
    this.#tests = globSync("test/**/*.test.ts", { cwd: root })
      .map((file) => normalize(file))
      .filter((file) => !file.endsWith(".live.test.ts"))
      .sort();
  }

  /**
   * The test at the mirrored path, those that import the source, and those of the mirrored folder that come to it over
   * other files. Where there is none: the nearest ones of elsewhere.
   *
   * @param source path from the root
   * @returns paths from the root, the nearest first
   */
  of(source: string): string[] {
    const near = this.#tests
      .map((file) => ({ file, steps: this.#steps(file, source) }))
      .filter(({ steps }) => steps < Number.POSITIVE_INFINITY)
      .sort((a, b) => a.steps - b.steps || a.file.localeCompare(b.file));
    const mirror = join("test", source.replace(/\.ts$/, ".test.ts"));
    const folder = `${join("test", dirname(source))}/`;
    const own = near.filter(({ file, steps }) => file === mirror || steps <= 1 || file.startsWith(folder));
    const chosen = own.length > 0 ? own : near.slice(0, 5);
    return chosen.map(({ file }) => file).sort((a, b) => Number(b === mirror) - Number(a === mirror));
  }

  /** @returns over how many imports; 1 where the test imports it itself */
  #steps(test: string, source: string): number {
    const reached = new Map([[test, 0]]);
    const waiting = [test];
    let found = Number.POSITIVE_INFINITY;
    for (const at of waiting) {
      for (const next of this.#importsOf(at)) {
        const steps = reached.get(at)! + 1;
        if (steps >= (reached.get(next) ?? found)) continue;
        reached.set(next, steps);
        if (next === source) found = steps;
        waiting.push(next);
      }
    }
    return found;
  }

  #importsOf(file: string): readonly string[] {
    let found = this.#imports.get(file);
    if (found === undefined) {
      const text = readFileSync(join(this.#root, file), "utf8");
      found = [...text.matchAll(/(?:from|import|import\() ?"(\.[^"]+\.ts)"/g)]
        .map(([, path]) => normalize(join(dirname(file), path!)))
        .filter((path) => existsSync(join(this.#root, path)));
      this.#imports.set(file, found);
    }
    return found;
  }
}
