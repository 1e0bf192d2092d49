import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { type Mutation, mutationsOf } from "./mutations.ts";

export interface Planted extends Mutation {
  readonly file: string;
  /** Names the mutation in the files kept beside this one. */
  readonly name: string;
}

/** A mutation that changes nothing that can be noticed. */
export interface Equivalent {
  readonly name: string;
  readonly reason: string;
}

/** @param path file or folder. @returns the sources there, by path from the root */
export function sourcesAt(root: string, path: string): string[] {
  const at = normalize(path).replace(/\/$/, "");
  if (statSync(join(root, at)).isFile()) return [at];
  return globSync(`${at}/**/*.ts`, { cwd: root }).sort();
}

/** @returns the module that a source belongs to: a folder of `device/` or `calibrate/`, or one of these two */
export function moduleOf(file: string): string {
  const [top, room, ...rest] = file.split("/");
  return rest.length === 0 ? top! : `${top}/${room}`;
}

/** @returns sources that differ from where the branch began; from the commit before, on the main branch itself */
export function changedSources(root: string): string[] {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
  const head = git("rev-parse", "HEAD");
  let base = "HEAD~1";
  for (const main of ["origin/main", "main"]) {
    try {
      const from = git("merge-base", main, "HEAD");
      if (from !== head) base = from;
      break;
    } catch {
      // There is no such branch here.
    }
  }
  const names = git("diff", "--name-only", "--diff-filter=AM", base, "--", "device", "calibrate").split("\n");
  return names.filter((name) => name.endsWith(".ts"));
}

/** @returns all mutations of the sources */
export function mutationsIn(root: string, files: readonly string[]): Planted[] {
  return files.flatMap((file) =>
    mutationsOf(readFileSync(join(root, file), "utf8")).map((mutation) => ({
      ...mutation,
      file,
      name: `${file} | ${mutation.key}`,
    })),
  );
}

/** The same choice for the same seed: a mutation stays in it for as long as its own line stays as it is. */
export function sampleOf(mutations: readonly Planted[], size: number, seed: number): Planted[] {
  const rank = ({ name }: Planted) => createHash("sha256").update(`${seed} ${name}`).digest("hex");
  return mutations
    .map((mutation) => ({ mutation, rank: rank(mutation) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, size)
    .map(({ mutation }) => mutation);
}
