import { globSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";

/**
 * Checks that imports go down: `npm run layers`. A module may import those that stand before it here, and itself; type
 * imports count. So no circle between modules can form. ARCHITECTURE.md says what each module is for.
 */
const ORDER = [
  "device/base",
  "device/config",
  "device/contract",
  "device/vision",
  "device/grade",
  "device/capture",
  "device/simulation",
  "device/embed",
  "device/publish",
  "device/gallery",
  "device/recipes",
  "device/lanes",
  "device/teach",
  "device/console",
  "device/station",
  "device/main.ts",
  "device/demo",
  "calibrate/html",
  "calibrate/cli",
];

const files = globSync(["device/**/*.ts", "calibrate/**/*.ts"]).sort();
const wrong: string[] = [];
for (const file of files) {
  const source = readFileSync(file, "utf8");
  for (const [, specifier] of source.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
    const imported = posix.join(dirname(file), specifier!);
    if (!imported.endsWith(".ts")) continue;
    const [from, to] = [rankOf(file), rankOf(imported)];
    if (to > from) wrong.push(`${file} imports ${imported}: ${moduleOf(imported)} stands above ${moduleOf(file)}`);
  }
}
console.log(wrong.join("\n"));
console.log(`${files.length} files, ${wrong.length} imports go up`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function moduleOf(path: string): string {
  const [top, second] = path.split("/");
  return `${top}/${second}`;
}

function rankOf(path: string): number {
  const module = moduleOf(path);
  const rank = ORDER.indexOf(module);
  if (rank >= 0) return rank;
  // The rest of `calibrate` stands on all of `device` and is ordered no further.
  if (module.startsWith("calibrate/")) return ORDER.length;
  throw new Error(`${path}: ${module} has no place in the order of modules; give it one in test/layers.ts`);
}
