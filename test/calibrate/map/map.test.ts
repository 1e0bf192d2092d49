import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { browserOfFile, contentWidthPx, faultsOf, withoutBrowser } from "../../support/browser.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { TINY } from "../../support/embedder-tiny.ts";
import { paintFolders, type Ran } from "../../support/gallery-photos.ts";

let folder: string;
let gallery: string;
const browser = browserOfFile();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-map-"));
  gallery = join(folder, "gallery");
  await paintFolders(join(folder, "photos"), { sound: 4, reject: 4, second: 2 });
  for (const grade of ["sound", "reject"]) {
    const { status, stderr } = await run("enroll", grade, join(folder, "photos", grade));
    assert.equal(status, 0, stderr);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]): Promise<Ran> {
  return runCalibrate(folder, [...args, "--gallery", gallery, "--model", TINY]);
}

describe("map", { concurrency: 3 }, () => {
  test("SVG, PNG and HTML are written, with what is enrolled and a grade that is not", async () => {
    const [svg, png, html] = ["svg", "png", "html"].map((ending) => join(folder, `map.${ending}`)) as [
      string,
      string,
      string,
    ];
    const fresh = `second=${join(folder, "photos", "second")}`;
    const { status, stdout, stderr } = await run(
      "map",
      "--new",
      fresh,
      "--out",
      svg,
      "--out",
      png,
      "--out",
      html,
      "--json",
    );
    assert.deepEqual([status, stderr], [0, ""]);
    const found = JSON.parse(stdout);
    assert.deepEqual([found.method, found.written], ["pca", [svg, png, html]]);
    assert.deepEqual(
      [...new Set(found.points.map(({ kind, grade }: Record<string, string>) => `${kind} ${grade}`))],
      ["reference sound", "reference reject", "new second"],
    );
    assert.ok(found.explained[0] > 0.5 && found.explained[0] >= found.explained[1]);
    assert.deepEqual([found.landings[0].grade, found.landings[0].items], ["second", 2]);
    const text = await readFile(svg, "utf8");
    assert.match(text, /1st principal component, \d+ % of the variance/);
    assert.match(text, /second \(2\), new/);
    assert.equal(text.match(/<title>/g)!.length, 10);
    const { width, height } = await sharp(png).metadata();
    assert.deepEqual([width, height], [1920, 1360]);
    assert.equal((await readFile(html, "utf8")).match(/data:image\/jpeg/g)!.length, 10);
  });

  test("a point shows its picture where it has the focus", { skip: withoutBrowser }, async () => {
    const path = join(folder, "focus.html");
    assert.equal((await run("map", "--items", join(folder, "photos"), "--out", path)).status, 0);
    const tab = await (await browser()).newPage({ viewport: { width: 390, height: 800 } });
    const faults = faultsOf(tab);
    await tab.goto(pathToFileURL(path).href);
    const spot = tab.locator(".map button").first();
    assert.equal(await spot.locator("img").isVisible(), false);
    await spot.focus();
    assert.equal(await spot.locator("img").isVisible(), true);
    assert.match((await spot.getAttribute("aria-label"))!, /item-0: sound/);
    assert.ok((await contentWidthPx(tab)) <= 390);
    // Every point is on the phone's screen, and the legend, which would be beyond it, is under the map.
    for (const point of await tab.locator(".map button").all()) {
      const { x, width } = (await point.boundingBox())!;
      assert.ok(x + width / 2 > 0 && x + width / 2 < 390, `a point at ${x} px`);
    }
    const shown = async (): Promise<boolean[]> => [
      await tab.locator("ul.legend").isVisible(),
      await tab.locator("g.legend").isVisible(),
    ];
    assert.deepEqual(await shown(), [true, false]);
    assert.match((await tab.locator("ul.legend").textContent())!, /sound \(8\).*reject \(8\).*second \(2\)/s);
    await tab.setViewportSize({ width: 1000, height: 800 });
    assert.deepEqual(await shown(), [false, true]);
    assert.deepEqual(faults, []);
    await tab.close();
  });

  test("every view can be a point, and UMAP lay them out", async () => {
    const path = join(folder, "views.svg");
    const { status, stdout } = await run("map", "--views", "--umap", "--seed", "4", "--out", path, "--json");
    assert.equal(status, 0);
    const { method, points, explained } = JSON.parse(stdout);
    assert.deepEqual([method, points.length, explained], ["umap", 24, null]);
  });

  test("wrong use is told before anything is written", async () => {
    for (const [args, message] of [
      [["--out", join(folder, "map.jpg")], /map\.jpg ends with neither of \.svg, \.png, \.html/],
      [["--new", "juice", "--out", join(folder, "no.svg")], /found --new juice, wanted --new GRADE=PATH/],
      [["--queue", "--out", join(folder, "no.svg")], /--queue needs a folder, or --config FILE/],
    ] as const) {
      const { status, stderr, stdout } = await run("map", ...args);
      assert.deepEqual([status, stdout], [2, ""], stderr);
      assert.match(stderr, message);
    }
    const empty = await runCalibrate(folder, ["map", "--gallery", join(folder, "none")]);
    assert.equal(empty.status, 1);
    assert.match(empty.stderr, /there are no references in .*none to draw a map of\nhint: enroll some first/);
  });
});
