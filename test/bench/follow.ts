import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFilm } from "./follow/film.ts";
import { playScene, type SceneResult } from "./follow/play.ts";
import { scenes } from "./follow/scenes.ts";

export interface FollowFigures {
  /** Scenes played, each with a colour and with a grey camera. */
  readonly scenes: number;
  readonly passed: number;
  readonly verdicts: number;
  readonly missed: number;
  readonly double: number;
  readonly invented: number;
  readonly wrongGate: number;
  readonly unsaid: number;
  /** Fruit that could be seen. */
  readonly fruit: number;
  readonly results: readonly SceneResult[];
}

/** @param pick which scenes; all where absent */
export function run(
  pick: (name: string, index: number) => boolean = () => true,
  progress: (result: SceneResult) => void = () => undefined,
): FollowFigures {
  const results: SceneResult[] = [];
  for (const [index, scene] of scenes.entries()) {
    if (!pick(scene.name, index)) continue;
    for (const grey of [false, true]) {
      const result = playScene(scene, grey);
      results.push(result);
      progress(result);
    }
  }
  const sum = (of: (result: SceneResult) => number): number => results.reduce((all, result) => all + of(result), 0);
  return {
    scenes: results.length,
    passed: results.filter(({ passed }) => passed).length,
    verdicts: sum(({ verdicts }) => verdicts),
    missed: sum(({ missed }) => missed),
    double: sum(({ double }) => double),
    invented: sum(({ invented }) => invented),
    wrongGate: sum(({ wrongGate }) => wrongGate),
    unsaid: sum(({ unsaid }) => unsaid),
    fruit: sum(({ fruit }) => fruit),
    results,
  };
}

/** A table for the terminal and for the module's page. */
export function describe(figures: FollowFigures): string {
  const rows = figures.results.map((r) => [
    r.scene,
    r.camera,
    r.passed ? "yes" : "**no**",
    ...[r.fruit, r.verdicts, r.missed, r.double, r.invented, r.wrongGate, r.unsaid, r.gateOffMm].map(String),
    r.said.join(", "),
  ]);
  const head = [
    "scene",
    "camera",
    "right",
    "fruit",
    "verdicts",
    "missed",
    "double",
    "invented",
    "wrong gate",
    "unsaid",
    "gate off, mm",
    "said",
  ];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const { scenes: played, passed, fruit, verdicts, missed, double, invented, wrongGate, unsaid } = figures;
  return [
    ...lines,
    "",
    `${passed} of ${played} right. Of ${fruit} fruit that could be seen ${missed} were missed; of ${verdicts} verdicts ${double} were double, ${invented} invented, ${wrongGate} had a wrong gate time; ${unsaid} troubles went unsaid.`,
  ].join("\n");
}

/** Scenes of which there are films unless others are asked for, and whether with a grey camera. */
const FILMS: readonly (readonly [string, boolean])[] = [
  ["lamp out for 4 s", false],
  ["a jam of ten touching fruit stands 5 s", false],
  ["rotten apples on white", true],
  ["steel rollers of 40 mm", false],
];

/**
 * Draws contact sheets.
 *
 * @param text of scenes whose name holds it, with both cameras; of the usual ones where empty
 * @returns the files
 */
export async function writeFilms(folder: string, text: string): Promise<string[]> {
  const asked = scenes.filter(({ name }) => name.includes(text));
  const wanted = text === "" ? FILMS : asked.flatMap(({ name }) => [[name, false] as const, [name, true] as const]);
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, grey] of wanted) {
    const file = join(folder, `${name.replaceAll(/[^a-z0-9]+/g, "-")}-${grey ? "grey" : "colour"}.png`);
    await writeFilm(scenes.find((scene) => scene.name === name)!, grey, file);
    files.push(file);
  }
  return files;
}

const PAGE = new URL("../../device/vision/README.md", import.meta.url);
const [BEGIN, END] = ["<!-- made by `npm run bench -- follow --write` -->", "<!-- end -->"];

/** Puts the table into the module's page. */
export async function writePage(figures: FollowFigures): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error("the page has no place for the table");
  await writeFile(PAGE, `${page.slice(0, from + BEGIN.length)}\n\n${describe(figures)}\n\n${page.slice(to)}`);
}
