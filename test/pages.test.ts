import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { configSchema } from "../device/config/schema.ts";
import { PAGES, readFigures, withTables } from "../models/tables.ts";

const { stdout } = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], { encoding: "utf8" });
const pages = stdout.trim().split("\n");
const read = (path: string): string => readFileSync(path, "utf8");
const words = (path: string): number =>
  read(path)
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** As GitHub names a heading in an address. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

test("README is short, and has a picture and a diagram", () => {
  assert.ok(words("README.md") <= 900, `${words("README.md")} words, wanted at most 900`);
  assert.match(read("README.md"), /!\[.*\]\(device\/console\/pictures\/line\.png\)/);
  assert.match(read("README.md"), /!\[.*\]\(device\/console\/pictures\/way\.svg\)/);
});

test("the configuration that README shows is one, and is short", () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(read("README.md"))!;
  assert.ok(yaml!.trim().split("\n").length <= 10);
  configSchema.parse(parse(yaml!));
});

test("the model's card is short", () => {
  assert.ok(words("models/README.md") <= 900, `${words("models/README.md")} words, wanted at most 900`);
});

test("the tables of the model's pages are those of figures.json", () => {
  for (const page of PAGES) assert.equal(read(page), withTables(read(page), readFigures()), `${page}: npm run tables`);
});

test("every link of every page leads somewhere", () => {
  const lost: string[] = [];
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const file = path === "" ? page : join(dirname(page), path!);
      const headings = () => [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      if (!existsSync(file) || (anchor && !headings().includes(anchor))) lost.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(lost, []);
});

test("the constants that ARCHITECTURE.md names are where it says", () => {
  const rows = [...read("ARCHITECTURE.md").matchAll(/^\| [^|]+ \| ((?:`[A-Z_]+`(?:, )?)+) \| `([^`]+)` \|$/gm)];
  assert.ok(rows.length >= 15);
  for (const [, names, file] of rows) {
    for (const [, name] of names!.matchAll(/`([A-Z_]+)`/g)) {
      assert.match(read(file!), new RegExp(`const ${name}\\b`), `${name} in ${file}`);
    }
  }
});

test("ARCHITECTURE.md names every module that the layer check orders", () => {
  const page = read("ARCHITECTURE.md");
  for (const [, module] of read("test/layers.ts").matchAll(/"(device\/[a-z]+)",/g)) {
    assert.ok(page.includes(`| \`${module}\` |`), module);
  }
});
