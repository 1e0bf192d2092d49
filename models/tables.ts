import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Writes the tables of README.md and EXPERIMENTS.md anew from figures.json: `npm run tables`. A table stands between
 * `<!-- table NAME -->` and `<!-- end -->`; a test fails where a page is not current.
 */

interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** By what is measured, then by method. */
type Figures = Readonly<Record<string, Readonly<Record<string, Figure>>>>;

const METHODS = ["raw", "hsv", "untrained", "autoencoder", "published", "embedder", "embedder.int8"] as const;
const TITLES: Readonly<Record<string, string>> = { hsv: "HSV histogram", published: "trunk as published" };

/** Rows of the card, with words for people. */
const HEADLINE: readonly (readonly [row: string, words: string])[] = [
  ["apples_web: fresh/rotten, 10-shot, class means", "photographs of apples, fresh or rotten, 10 enrolled per grade"],
  ["apples_web: fresh/rotten, 1-shot, class means", "the same, 1 enrolled per grade"],
  ["apples: fault visible, apple left out", "a fault in sight, yes or no, on apples never seen"],
  ["rendered: 4 grades of unseen apples, 10-shot items, telling", "rendered apples in four grades, 10 enrolled"],
  ["rendered: 4 grades of other fruit, 10-shot items, telling", "the same with fruit of other species"],
  ["apples: items of 3 grades left out, device", "9 real apples in three grades, each left out"],
  ["apples: unknown fruit, kind never enrolled, views, AUROC", "strangers by single views, AUROC"],
  ["apples: unknown fruit, kind never enrolled, items, AUROC", "strangers by items, AUROC"],
];

export const PAGES = ["models/README.md", "models/EXPERIMENTS.md"] as const;

function cell(figure: Figure | undefined, mark = ""): string {
  if (figure === undefined) return "–";
  const { value, low, high } = figure;
  return `${value.toFixed(3)} [${low.toFixed(2)}, ${high.toFixed(2)}]${mark}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function tablesOf(figures: Figures): ReadonlyMap<string, string> {
  const short = ["embedder", "published", "hsv"] as const;
  const headline = table(
    ["", ...short.map((method) => TITLES[method] ?? method)],
    HEADLINE.map(([row, words]) => [words, ...short.map((method) => cell(figures[row]?.[method]))]),
  );
  const all = table(
    ["", ...METHODS.map((method) => TITLES[method] ?? method)],
    Object.entries(figures).map(([row, by]) => [
      row,
      ...METHODS.map((method) => {
        // Measured while each component was still weighted by itself.
        const old = row.endsWith("weighted") && (method === "raw" || method === "autoencoder");
        return cell(by[method], old ? " †" : "");
      }),
    ]),
  );
  return new Map([
    ["headline", headline],
    ["all", all],
  ]);
}

/** The page with its tables written anew. */
export function withTables(page: string, figures: Figures): string {
  const tables = tablesOf(figures);
  return page.replaceAll(/(<!-- table (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, begin: string, name: string, end) => {
    const text = tables.get(name);
    if (text === undefined)
      throw new Error(`there is no table ${name}, wanted one of: ${[...tables.keys()].join(", ")}`);
    return `${begin}\n${text}\n\n${end}`;
  });
}

export function readFigures(): Figures {
  return JSON.parse(readFileSync(new URL("./figures.json", import.meta.url), "utf8"));
}

if (import.meta.main) {
  for (const page of PAGES) {
    const path = fileURLToPath(new URL(`../${page}`, import.meta.url));
    writeFileSync(path, withTables(readFileSync(path, "utf8"), readFigures()));
  }
}
