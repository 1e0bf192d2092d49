import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { browserOfFile, contentWidthPx, faultsOf, withoutBrowser } from "../../support/browser.ts";
import { TINY } from "../../support/embedder-tiny.ts";
import { paintFolders, type Ran, runProgram } from "../../support/gallery-photos.ts";

/** What would run, were a name put into the document as it is. */
const EVIL = `<img src=x onerror=alert(1)>"'&`;

let folder: string;
let photos: string;
const browser = browserOfFile();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-report-"));
  photos = join(folder, "photos");
  await paintFolders(photos, { sound: 3, reject: 3, unknown: 1 });
  // One under the wrong grade, so that there is a mistake to show.
  await cp(join(photos, "sound", "item-0"), join(photos, "reject", EVIL), { recursive: true });
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

function evaluate(...args: string[]): Promise<Ran> {
  return runProgram("calibrate/main.ts", ["evaluate", photos, "--model", TINY, ...args]);
}

test("the report is one file that loads nothing, and names in it are text", async () => {
  const path = join(folder, "report.html");
  const { status, stderr } = await evaluate("--html", path);
  assert.equal(status, 0, stderr);
  const text = await readFile(path, "utf8");
  assert.doesNotMatch(text, /<img src=x|<script|https?:|url\(|@import/);
  assert.match(text, /&#60;img src=x onerror=alert\(1\)&#62;&#34;&#39;&#38;/);
  assert.match(text, /reject called sound/);
  assert.ok((text.match(/src="data:image\/jpeg;base64,/g)?.length ?? 0) >= 3, "the mistake and what stands beside it");
});

test("the report shows its pictures, fits a phone and has no fault", { skip: withoutBrowser }, async () => {
  const path = join(folder, "shown.html");
  assert.equal((await evaluate("--html", path)).status, 0);
  const tab = await (await browser()).newPage({ viewport: { width: 360, height: 740 } });
  const faults = faultsOf(tab);
  await tab.goto(pathToFileURL(path).href);
  assert.ok((await contentWidthPx(tab)) <= 360);
  for (const image of await tab.locator("img").all()) {
    assert.equal(await image.getAttribute("alt").then((alt) => alt !== null && alt !== ""), true);
    assert.ok((await image.boundingBox())!.width > 50);
  }
  const levels = await tab.locator("h1, h2, h3").evaluateAll((all) => all.map(({ tagName }) => tagName));
  assert.deepEqual([levels[0], levels.filter((level) => level === "H1").length], ["H1", 1]);
  assert.equal(await tab.locator("svg[role=img]:not([aria-label])").count(), 0);
  assert.deepEqual(faults, []);
  await tab.close();
});

test("a gallery's references stand beside the mistakes, and its colours are the base line", async () => {
  const gallery = join(folder, "gallery");
  for (const grade of ["sound", "reject"]) {
    const from = ["item-0", "item-1"].map((name) => join(photos, grade, name));
    const enrolled = ["enroll", grade, ...from, "--gallery", gallery, "--model", TINY];
    assert.equal((await runProgram("calibrate/main.ts", enrolled)).status, 0);
  }
  const path = join(folder, "by-gallery.html");
  const { stdout, status } = await evaluate("--gallery", gallery, "--html", path, "--json");
  assert.equal(status, 0);
  assert.ok(JSON.parse(stdout).baseLine.itemBalancedAccuracy > 0.5);
  const text = await readFile(path, "utf8");
  assert.match(text, /<span class="soft">sound\/<wbr>item-<wbr>0<\/span>/);
  assert.doesNotMatch(text, /no picture/);
  // Pictures that are gone leave the figures, without the base line.
  await rm(join(gallery, "crops"), { recursive: true });
  const without = await evaluate("--gallery", gallery, "--html", path, "--json");
  assert.equal(JSON.parse(without.stdout).baseLine, null);
  assert.match(await readFile(path, "utf8"), /no picture/);
});

test("a place where no report can be is told before the work", async () => {
  const { status, stdout, stderr } = await evaluate("--html", join(folder, "absent", "report.html"));
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /absent\/report\.html cannot be written: .*\nhint: name a file in a folder that exists/);
});
