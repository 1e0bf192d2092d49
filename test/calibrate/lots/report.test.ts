import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { holdLot } from "../../../calibrate/lots/tolerances.ts";
import { parseWall } from "../../../device/base/time.ts";
import { encodeJpeg } from "../../../device/capture/image.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { noFigures } from "../../../device/lots/figures.ts";
import { FiguresStore } from "../../../device/lots/figures-store.ts";
import { aroundFile } from "../../support/around-file.ts";
import { browserOfFile, faultsOf, withoutBrowser } from "../../support/browser.ts";
import { CalibrateFolder } from "../../support/calibrate-cli.ts";
import { throughOffice, withoutOffice } from "../../support/office.ts";
import { draft } from "../../support/verdicts.ts";

let folder: CalibrateFolder;
let config: string;
const browser = browserOfFile();

const calibrate = (...args: string[]) => folder.run(...args, "--config", config);

/** 40 fruit of lot 4711 over more than a day, and one of a lot whose name a spreadsheet may take for a formula. */
async function fill(lots: string): Promise<void> {
  const store = FiguresStore.open(lots);
  const grades = ["sound", "sound", "sound", "second", "reject"];
  const rows = Array.from({ length: 41 }, (_, n) => {
    const grade = n === 7 ? null : grades[n % grades.length]!;
    const row = {
      ...draft("a", n * 24_000),
      outcome: grade === null ? "unknown" : "graded",
      grade,
      sizeMm: 60 + (n % 20),
      lot: n === 40 ? "2026 1.000,5" : "4711",
      product: "table",
    };
    return {
      id: n + 1,
      lane: n % 2 === 0 ? "a" : "b",
      decidedAt: parseWall(row.decidedAt),
      payload: JSON.stringify(row),
    };
  });
  const about = { id: "4711", grower: "Huber <&> Söhne", variety: "=Gala", bin: "0017" };
  store.add("e", rows, [{ lot: "4711", lane: "a", atUs: rows[0]!.decidedAt, code: "paused", seconds: 90 }], [about]);
  const jpeg = await encodeJpeg({ widthPx: 64, heightPx: 16, data: new Uint8Array(64 * 16 * 3).fill(90) });
  const picture = { lot: "4711", item: "a-1", margin: 0.31, sizeMm: 71.5, jpeg };
  store.addPictures(
    [
      { ...picture, grade: "sound", kind: "typical", place: 0 },
      { ...picture, grade: "reject", kind: "worst", place: 0, margin: -0.2 },
    ],
    10,
  );
  store.close();
}

aroundFile(
  async () => {
    folder = await CalibrateFolder.make("lots");
    config = join(folder.path, "gradeline.yaml");
    const lots = join(folder.path, "lots");
    const text = {
      device: "board",
      cameras: [],
      lanes: [],
      journal: { path: join(folder.path, "journal.sqlite") },
      lots: {
        path: lots,
        shifts: [
          { name: "early", from: "06:00" },
          { name: "late", from: "14:00" },
        ],
        tolerances: [{ name: "culls", grades: ["reject"], percent: 3 }],
      },
    };
    await writeFile(config, JSON.stringify(text));
    await fill(lots);
  },
  () => folder.close(),
);

describe("lots at the terminal", { concurrency: 1 }, () => {
  test("lot list counts each lot, shift and day once, as a table, CSV, JSON and JSON lines", async () => {
    const json = JSON.parse((await calibrate("lot", "list", "--json")).stdout);
    assert.deepEqual(
      json.rows.map((row: Record<string, unknown>) => [row.lot, row.grower, row.bin, row.fruit, row.unknown, row.late]),
      [
        ["4711", "Huber <&> Söhne", "0017", 40, 1, 0],
        ["2026 1.000,5", null, null, 1, 0, 0],
      ],
    );
    assert.deepEqual(json.rows[0].grades, [
      { grade: "sound", fruit: 23 },
      { grade: "second", fruit: 8 },
      { grade: "reject", fruit: 8 },
    ]);
    for (const by of ["shift", "day", "lane"]) {
      const lines = (await calibrate("lot", "list", "--by", by, "--jsonl")).stdout.trimEnd().split("\n");
      const rows = lines.map((line) => JSON.parse(line) as { fruit: number });
      assert.ok(rows.length > 1, by);
      assert.equal(
        rows.reduce((sum, { fruit }) => sum + fruit, 0),
        41,
      );
    }
    const { stdout } = await calibrate("lot", "list");
    assert.match(stdout, /^4711 +20\S+ \d\d:\d\d +40 fruit {2}sound 23, second 8, reject 8\n/);
    const wrong = await calibrate("lot", "list", "--by", "moon");
    assert.deepEqual([wrong.status, /--by is "moon", wanted lot, shift, day or lane/.test(wrong.stderr)], [2, true]);
  });

  test("the CSV of lots opens in LibreOffice: every word stays a word, every count a number", {
    skip: withoutOffice,
  }, async () => {
    const file = join(folder.path, "lots.csv");
    await writeFile(file, (await calibrate("lot", "list", "--csv")).stdout);
    const [head, first, second] = await throughOffice(file);
    const at = (name: string) => head!.indexOf(name);
    assert.equal(head!.length, 19);
    assert.deepEqual(
      ["lot", "grower", "variety", "fruit", "grade reject"].map((name) => first![at(name)]),
      ["4711", "Huber <&> Söhne", "'=Gala", "40", "8"],
    );
    assert.equal(second![at("lot")], "2026 1.000,5");
  });

  test("a report is one file without a script or a network, and says what would be said of the lot", async () => {
    const file = join(folder.path, "lot.html");
    const { status, stdout, stderr } = await calibrate("lot", "report", "4711", "--html", file);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^lot 4711: 40 fruit\n {2}sound +23\n {2}second +8\n {2}reject +8\n {2}unknown +1\n/);
    assert.match(stdout, /beyond UNECE FFV-50, Class I sold as sound: 42\.5 %, allowed 10\.0 %/);
    const text = await readFile(file, "utf8");
    assert.doesNotMatch(text, /<script|https?:|Huber <&>/);
    for (const wanted of [
      "Huber &#60;&#38;&#62; Söhne",
      "UNECE FFV-50",
      "51.310",
      "culls: reject",
      "paused by request",
      "Class II",
    ]) {
      if (wanted === "paused by request") assert.match(text, /grading was paused by request/);
      else assert.ok(text.includes(wanted), wanted);
    }
    assert.equal(text.split("data:image/jpeg").length - 1, 2);
    const none = await calibrate("lot", "report", "4712", "--html", join(folder.path, "none.html"));
    assert.equal(none.status, 1);
    assert.match(none.stderr, /no fruit of lot "4712" was counted/);
    assert.ok(!existsSync(join(folder.path, "none.html")));
  });

  test("the report opens without a fault and fits the width of A4 paper", { skip: withoutBrowser }, async () => {
    const file = join(folder.path, "wide.html");
    await calibrate("lot", "report", "4711", "--html", file);
    const page = await (await browser()).newPage({ viewport: { width: 700, height: 1000 } });
    const faults = faultsOf(page);
    await page.emulateMedia({ media: "print" });
    await page.goto(`file://${file}`);
    assert.deepEqual(faults, []);
    assert.ok(((await page.evaluate("document.documentElement.scrollWidth")) as number) <= 700);
    const loaded = await page.evaluate("[...document.images].every(({ naturalWidth }) => naturalWidth === 64)");
    assert.equal(loaded, true);
    await page.close();
  });

  test("a PDF is printed by Chromium; where there is none that is told, and the HTML is there", {
    skip: withoutBrowser,
  }, async () => {
    const pdf = join(folder.path, "lot.pdf");
    const { status, stderr } = await calibrate("lot", "report", "4711", "--pdf", pdf);
    assert.equal(status, 0, stderr);
    assert.equal((await readFile(pdf)).subarray(0, 5).toString(), "%PDF-");
    assert.ok(!existsSync(`${pdf}.html`));
    const html = join(folder.path, "beside.html");
    const words = ["lot", "report", "4711", "--pdf", `${pdf}2`, "--html", html, "--config", config];
    const none = await folder.runWithoutPrograms(...words);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /a PDF needs Chromium, and this machine has none\nhint: apt-get install chromium/);
    assert.ok(existsSync(html) && !existsSync(`${pdf}2`));
  });
});

test("fruit of a worse grade and such without one do not satisfy the grade that a lot is sold as", () => {
  const figures = noFigures();
  figures.items = 110;
  figures.outcomes.set("graded", 96).set("unknown", 4).set("empty", 10);
  figures.grades.set("extra", 80).set("sound", 12).set("reject", 4);
  const own = configSchema.shape.lots.parse({ tolerances: [{ name: "own", grades: ["reject"], percent: 4 }] });
  assert.deepEqual(
    holdLot(figures, ["extra", "sound", "reject"], own.tolerances).map(({ rule, soldAs, share, limit, within }) => [
      rule,
      soldAs,
      Math.round(share * 1000) / 1000,
      limit,
      within,
    ]),
    [
      ["UNECE FFV-50, Extra", "extra", 0.2, 0.05, false],
      ["USDA, any grade", "extra", 0.2, 0.1, false],
      ["UNECE FFV-50, Class I", "sound", 0.08, 0.1, true],
      ["USDA, any grade", "sound", 0.08, 0.1, true],
      ["own: reject", null, 0.04, 0.04, true],
    ],
  );
  assert.deepEqual(holdLot(noFigures(), ["extra"], []), []);
});
