import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import sharp from "sharp";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { TINY } from "../../support/embedder-tiny.ts";
import { paintFolders, type Ran } from "../../support/gallery-photos.ts";

let folder: string;
let gallery: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-audit-"));
  gallery = join(folder, "gallery");
  await paintFolders(join(folder, "photos"), { sound: 5, reject: 5 });
  for (const grade of ["sound", "reject"]) {
    assert.equal((await run("enroll", grade, join(folder, "photos", grade))).status, 0);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]): Promise<Ran> {
  return runCalibrate(folder, [...args, "--gallery", gallery, "--model", TINY]);
}

describe("audit", () => {
  test("enrolling tells what is wrong with what was added, and audit tells it again with pictures", async () => {
    const bad = join(folder, "bad");
    await mkdir(join(bad, "dark"), { recursive: true });
    const fruit = sharp(join(folder, "photos", "sound", "item-1", "0.jpg"));
    // The fruit at a tenth of its light, cut off on the right.
    await fruit
      .clone()
      .extract({ left: 0, top: 0, width: 34, height: 64 })
      .jpeg()
      .toFile(join(bad, "dark", "cut.jpg"));
    const enrolled = await run("enroll", "sound", join(bad, "dark"), "--json");
    assert.equal(enrolled.status, 0, enrolled.stderr);
    const told = JSON.parse(enrolled.stdout).findings;
    assert.ok(
      told.some(({ kind }: { kind: string }) => kind === "cut-off"),
      JSON.stringify(told),
    );
    // Of all its pictures enrolling itself would have known it.
    const part = join(bad, "part-of-item-0");
    await mkdir(part);
    for (const name of ["0.jpg", "1.jpg"]) await cp(join(folder, "photos", "sound", "item-0", name), join(part, name));
    const twice = await run("enroll", "reject", part);
    assert.match(twice.stdout, /^One fruit, two grades -> remove or relabel/m);
    assert.match(twice.stdout, /the same fruit has two grades: .*item-0 is sound, .*part-of-item-0 is reject/);

    const [html, sheet] = [join(folder, "audit.html"), join(folder, "audit.png")];
    const { status, stdout, stderr } = await run("audit", "--html", html, "--sheet", sheet, "--json");
    assert.deepEqual([status, stderr], [0, ""]);
    const found = JSON.parse(stdout);
    assert.deepEqual(Object.keys(found), ["gallery", "items", "grades", "findings"]);
    assert.equal(found.items, 12);
    const text = await readFile(html, "utf8");
    assert.match(text, /<h3>One fruit, two grades <span class="bad">problem/);
    assert.ok(text.match(/data:image\/jpeg/g)!.length >= 3);
    const { width, height } = await sharp(sheet).metadata();
    assert.equal(height, found.findings.length * 152);
    assert.ok(width! > 700);
  });

  test("findings end with 1 only with --strict", async () => {
    assert.equal((await run("audit")).status, 0);
    assert.equal((await run("audit", "--strict")).status, 1);
  });

  test("a gallery that is not there is named", async () => {
    const { status, stderr } = await runCalibrate(folder, ["audit", "--gallery", join(folder, "none")]);
    assert.equal(status, 1);
    assert.match(stderr, /there are no references in .*none to look at\nhint: enroll some first/);
  });
});
