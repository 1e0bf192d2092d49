import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/**
 * Checks that imports go down: `npm run layers [-- FOLDER]`. A module may import itself and those that stand before it
 * here. Type imports count, so no circle between modules can form. ARCHITECTURE.md says what each module is for.
 */
const ORDER = [
  "device/base",
  "device/kernels",
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
  "device/lots",
  "device/outputs",
  "device/sinks",
  "device/console",
  "device/station",
  "device/main.ts",
  "device/demo",
  "calibrate/html",
  "calibrate/cli",
  "calibrate/journal",
  "calibrate/daemon",
  "calibrate/pictures",
  "calibrate/evaluate",
  "calibrate/lots",
  "calibrate/gallery",
  "calibrate/audit",
  "calibrate/enroll",
  "calibrate/fit",
  "calibrate/map",
  "calibrate/record",
  "calibrate/release",
  "calibrate/recipes",
  "calibrate/engine",
  "calibrate/doctor",
  "calibrate/setup",
  "calibrate/completion",
  "calibrate/config",
  "calibrate/commands",
  "calibrate/main.ts",
];

/** `from "./x.ts"`, `import "./x.ts"`, `import("./x.ts")` and `new URL("./x.ts", import.meta.url)`, types included. */
const IMPORT = /(?:\bfrom|\bimport|\bnew URL)\s*\(?\s*["'`](\.[^"'`]+)["'`]/g;

const root = process.argv[2] ?? ".";
const files = globSync("{device,calibrate}/**/*.{ts,js}", { cwd: root }).sort();
const wrong: string[] = [];
for (const file of files) {
  const from = moduleOf(file);
  if (!ORDER.includes(from)) {
    wrong.push(`${file}: ${from} has no place in the order of modules; give it one in test/layers.ts`);
    continue;
  }
  for (const [, specifier] of readFileSync(join(root, file), "utf8").matchAll(IMPORT)) {
    const imported = posix.join(posix.dirname(file), specifier!);
    if (!/\.[jt]s$/.test(imported) || !/^(device|calibrate)\//.test(imported)) continue;
    const to = moduleOf(imported);
    if (ORDER.indexOf(to) > ORDER.indexOf(from)) wrong.push(`${file} imports ${imported}: ${to} stands above ${from}`);
  }
}
for (const line of wrong) console.log(line);
console.log(`${files.length} files, ${wrong.length} imports go up`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function moduleOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}
