import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import sharp from "sharp";
import { CalibrateFolder } from "../../support/calibrate-cli.ts";
import { COLOURS, paintFolders, paintPhoto } from "../../support/gallery-photos.ts";

let own: CalibrateFolder;
let folder: string;
let photos: string;

before(async () => {
  own = await CalibrateFolder.make("evaluate");
  folder = own.path;
  photos = join(folder, "photos");
  await paintFolders(photos, { sound: 4, second: 3, reject: 4, unknown: 2 });
});
after(() => own.close());

const freshGallery = (): string => own.freshGallery();
const calibrate = (...args: string[]) => own.run(...args);
const tiny = (...args: string[]) => own.tiny(...args);
const told = (...args: string[]) => own.told(...args);
const json = (...args: string[]) => own.json(...args);

describe("evaluate", { concurrency: 4 }, () => {
  const KEYS = [
    "items",
    "views",
    "method",
    "folds",
    "grades",
    "itemBalancedAccuracy",
    "viewBalancedAccuracy",
    "unknownAuroc",
    "interval",
    "intervalOf",
    "confusion",
    "perGrade",
    "baseLine",
    "verdicts",
    "contamination",
    "pValues",
    "roc",
    "mistakes",
    "skipped",
    "warnings",
  ];

  test("every item and view is counted, and fruit of plain colours is told apart", async () => {
    const found = await json("evaluate", photos);
    assert.deepEqual(Object.keys(found), KEYS);
    assert.deepEqual([found.items, found.views, found.method], [13, 39, "leave-one-item-out"]);
    assert.deepEqual(found.grades, ["sound", "second", "reject"]);
    assert.deepEqual([found.itemBalancedAccuracy, found.viewBalancedAccuracy, found.unknownAuroc], [1, 1, 1]);
    assert.deepEqual(found.confusion, { reject: { reject: 4 }, second: { second: 3 }, sound: { sound: 4 } });
    for (const [index, [grade, items]] of [
      ["sound", 4] as const,
      ["second", 3] as const,
      ["reject", 4] as const,
    ].entries()) {
      const { interval, ...figures } = found.perGrade[index];
      assert.deepEqual(figures, { grade, items, precision: 1, recall: 1 });
      assert.ok(interval.recall.low > 0.4 && interval.recall.low < 0.6 && interval.recall.high === 1);
    }
    for (const key of ["itemBalancedAccuracy", "viewBalancedAccuracy", "unknownAuroc"]) {
      const { mean, low, high } = found.interval[key];
      // All right, of so few: that says little.
      assert.deepEqual([mean, high, low > 0.2 && low < 0.9], [1, 1, true], key);
      assert.equal(found.baseLine[key], 1, "colours alone tell plain colours");
    }
    assert.deepEqual(
      found.contamination.map((row: Record<string, unknown>) => [
        row.grade,
        row.class,
        row.tolerance,
        row.contamination,
      ]),
      [
        ["sound", "Class I", 0.1, 0],
        ["second", "Class II", 0.1, found.contamination[1].given === 0 ? null : 0],
        ["reject", null, null, 0],
      ],
    );
    assert.deepEqual(found.pValues.points.at(-1), { t: 1, share: 1, low: found.pValues.points.at(-1).low, high: 1 });
    assert.deepEqual(
      [found.roc.points[0], found.roc.points.at(-1)],
      [
        { found: 0, falseAlarms: 0 },
        { found: 1, falseAlarms: 1 },
      ],
    );
    const { confusion, strangersFound } = found.verdicts;
    assert.deepEqual([confusion.unknown, strangersFound], [{ unknown: 2 }, 1]);
    const judged = Object.values(confusion as Record<string, Record<string, number>>).flatMap((row) =>
      Object.values(row),
    );
    assert.equal(
      judged.reduce((sum, count) => sum + count, 0),
      13,
    );
  });

  test("without strangers there is no figure about them", async () => {
    const known = join(folder, "known");
    for (const grade of ["sound", "reject"]) await cp(join(photos, grade), join(known, grade), { recursive: true });
    const found = await json("evaluate", known, "--grades", "reject,sound");
    assert.deepEqual([found.items, found.unknownAuroc, found.verdicts.strangersFound], [8, null, null]);
    assert.deepEqual(found.grades, ["reject", "sound"]);
  });

  test("images directly under a grade are items of one view", async () => {
    const flat = join(folder, "flat");
    for (const grade of ["sound", "reject"]) {
      await mkdir(join(flat, grade), { recursive: true });
      for (let n = 0; n < 3; n++) await paintPhoto(join(flat, grade, `${n}.png`), COLOURS[grade]!, n);
    }
    const found = await json("evaluate", flat);
    assert.deepEqual([found.items, found.views, found.itemBalancedAccuracy], [6, 6, 1]);
  });

  test("draws of a few shots are the same for the same seed, and have an interval", async () => {
    // Two colours between the grades: which items are drawn decides.
    const hard = join(folder, "hard");
    for (const grade of ["sound", "reject"]) {
      for (let n = 0; n < 6; n++) {
        await mkdir(join(hard, grade, `${n}`), { recursive: true });
        const mixed = COLOURS[n % 3 === 0 ? "second" : grade]!;
        await paintPhoto(join(hard, grade, `${n}`, "0.png"), mixed, n + (grade === "sound" ? 0 : 50));
      }
    }
    const shots = ["evaluate", hard, "--shots", "2", "--repeats", "8"];
    const first = await json(...shots, "--seed", "5");
    const [again, other] = await Promise.all([json(...shots, "--seed", "5"), json(...shots, "--seed", "6")]);
    assert.deepEqual(again, first);
    assert.notDeepEqual(other, first);
    assert.deepEqual(Object.keys(first), KEYS);
    assert.deepEqual([first.items, first.views, first.method], [12, 12, "shots"]);
    for (const key of ["itemBalancedAccuracy", "viewBalancedAccuracy"]) {
      const { mean, low, high } = first.interval[key];
      assert.ok(low <= mean && mean <= high && low < high, `${key}: ${low} ${mean} ${high}`);
      assert.equal(first[key], mean);
    }
    assert.deepEqual([first.intervalOf, first.interval.unknownAuroc], ["draws", null]);
    const base = first.baseLine.interval.itemBalancedAccuracy;
    assert.ok(base.low <= base.mean && base.mean <= base.high);
  });

  test("a gallery judges fruit that it does not have", async () => {
    const gallery = freshGallery();
    for (const grade of ["sound", "reject"]) {
      await json("enroll", grade, join(photos, grade, "item-0"), join(photos, grade, "item-1"), "--gallery", gallery);
    }
    const { found, stderr } = await told("evaluate", photos, "--gallery", gallery);
    assert.match(
      stderr,
      /^warning: 4 of 13 items are enrolled in the gallery \(item-0, …\): the figures are too good$/m,
    );
    assert.match(stderr, /^warning: the gallery has no grade second: /m);
    assert.equal(found.warnings.length, 2);
    const byFile = await told("evaluate", photos, "--gallery", join(gallery, "gallery.bin"));
    assert.deepEqual(byFile.found, found);
    assert.deepEqual([found.method, found.items, found.grades], ["gallery", 13, ["sound", "reject"]]);
    // What is not enrolled is not found.
    assert.deepEqual([found.confusion.sound, found.confusion.reject], [{ sound: 4 }, { reject: 4 }]);
    assert.equal(found.confusion.second.second, undefined);
    const without = await tiny("evaluate", photos, "--gallery", freshGallery());
    assert.equal(without.status, 1);
    assert.match(without.stderr, /there is no gallery/);
    const both = await tiny("evaluate", photos, "--gallery", gallery, "--shots", "2");
    assert.deepEqual([both.status, both.stdout], [2, ""]);
    assert.match(both.stderr, /found both a gallery and --shots/);
  });

  test("without --json a person reads the figures as tables", async () => {
    const { status, stdout } = await tiny("evaluate", photos);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^13 items, 39 views, each judged by all others; grades best to worst: sound, second, reject\n/,
    );
    assert.match(stdout, /^best grade of items +100\.0 % +\d+–100 % +100\.0 % \(\d+–100 %\)$/m);
    assert.match(stdout, /^strangers told apart \(AUROC\) +1\.000 /m);
    assert.match(stdout, /^sound +4 +100\.0 % .* 10\.0 % \(Class I\) /m);
  });

  test("grades with names that objects have of themselves are counted like others", async () => {
    const odd = join(folder, "odd");
    await cp(join(photos, "sound"), join(odd, "constructor"), { recursive: true });
    await cp(join(photos, "reject"), join(odd, "toString"), { recursive: true });
    const found = await json("evaluate", odd);
    assert.deepEqual(found.confusion, { constructor: { constructor: 4 }, toString: { toString: 4 } });
    assert.equal(found.itemBalancedAccuracy, 1);
  });

  test("pictures of every kind are read: any size, grey, CMYK, 16 bit, turned by EXIF, with alpha", async () => {
    const kinds = join(folder, "kinds");
    await mkdir(join(kinds, "sound"), { recursive: true });
    await cp(join(photos, "reject"), join(kinds, "reject"), { recursive: true });
    const source = sharp(join(photos, "sound", "item-0", "0.jpg"));
    const to = (name: string): string => join(kinds, "sound", name);
    await Promise.all([
      source.clone().resize(24, 16).png().toFile(to("small.png")),
      source.clone().resize(16, 16).png().toFile(to("one.png")),
      source.clone().resize(3000, 2000, { fit: "fill" }).jpeg().toFile(to("large.jpg")),
      source.clone().resize(200, 16, { fit: "fill" }).png().toFile(to("strip.png")),
      source.clone().greyscale().jpeg().toFile(to("grey.jpg")),
      source.clone().toColourspace("cmyk").jpeg().toFile(to("cmyk.jpg")),
      source.clone().toColourspace("rgb16").png().toFile(to("deep.png")),
      source.clone().toColourspace("grey16").png().toFile(to("deep-grey.png")),
      source.clone().withMetadata({ orientation: 6 }).jpeg().toFile(to("turned.jpg")),
      source.clone().ensureAlpha(0.5).webp().toFile(to("alpha.webp")),
      source.clone().tiff().toFile(to("plain.tiff")),
    ]);
    const found = await json("evaluate", kinds);
    assert.deepEqual([found.items, found.views, found.skipped], [15, 23, []]);
  });

  test("what is enrolled is judged by itself without a folder, like the pictures it came from", async () => {
    const gallery = freshGallery();
    const known = join(folder, "enrolled");
    for (const grade of ["sound", "second", "reject"]) {
      await cp(join(photos, grade), join(known, grade), { recursive: true });
      await told("enroll", grade, join(photos, grade), "--gallery", gallery);
    }
    const [byItself, byFolder] = [await json("evaluate", "--gallery", gallery), await json("evaluate", known)];
    for (const found of [byItself, byFolder]) {
      // Which paths are named is another matter.
      delete found.mistakes;
    }
    assert.deepEqual(byItself, byFolder);
    await told("grades", "tolerance", "sound", "7", "--gallery", gallery);
    await told("grades", "order", "reject", "sound", "second", "--gallery", gallery);
    const own = await json("evaluate", "--gallery", gallery);
    assert.deepEqual(own.grades, ["reject", "sound", "second"]);
    assert.deepEqual([own.contamination[1].class, own.contamination[1].tolerance], ["own", 0.07]);
    const drawn = await json("evaluate", "--gallery", gallery, "--shots", "2", "--repeats", "3");
    assert.deepEqual([drawn.method, drawn.items], ["shots", 11]);
  });

  test("what is no picture is passed over and told, and the others are judged", async () => {
    const mixed = join(folder, "mixed");
    await cp(photos, mixed, { recursive: true });
    await writeFile(join(mixed, "sound", "item-0", "notes.txt"), "notes");
    await writeFile(
      join(mixed, "sound", "item-1", "torn.jpg"),
      (await readFile(join(photos, "sound", "item-1", "0.jpg"))).subarray(0, 300),
    );
    await writeFile(join(mixed, "reject", "empty.png"), "");
    await writeFile(join(mixed, "left.jpg"), "");
    const { found, stderr } = await told("evaluate", mixed);
    assert.deepEqual([found.items, found.views], [13, 39]);
    assert.deepEqual(found.skipped.map(({ path }: { path: string }) => path).sort(), [
      join(mixed, "left.jpg"),
      join(mixed, "reject", "empty.png"),
      join(mixed, "sound", "item-0", "notes.txt"),
      join(mixed, "sound", "item-1", "torn.jpg"),
    ]);
    assert.match(stderr, /^warning: 4 files were passed over \(/);
  });

  test("nothing but pictures that cannot be read is an error that says why", async () => {
    const torn = join(folder, "torn");
    for (const grade of ["sound", "reject"]) {
      await mkdir(join(torn, grade), { recursive: true });
      await writeFile(join(torn, grade, "a.jpg"), "no picture");
    }
    const { status, stderr } = await tiny("evaluate", torn);
    assert.equal(status, 1);
    assert.match(stderr, /^error: none of 2 pictures could be read: .*a\.jpg is no image/);
  });

  test("the same pictures under two grades are told", async () => {
    const twice = join(folder, "twice");
    await cp(photos, twice, { recursive: true });
    await cp(join(photos, "sound", "item-0"), join(twice, "reject", "again"), { recursive: true });
    const { found, stderr } = await told("evaluate", twice);
    assert.match(stderr, /reject\/again, sound\/item-0 are the same pictures under 2 grades/);
    assert.equal(found.warnings.length, 1);
    // It got the grade of its twin, which is the better one.
    const [worst] = found.mistakes;
    assert.deepEqual(
      [worst.kind, worst.item, worst.truth, worst.verdict],
      ["too good a grade", "again", "reject", "sound"],
    );
  });

  test("a fruit over time does not judge itself with --same-fruit", async () => {
    const over = join(folder, "over");
    // Two fruit, each the same colour under both grades: by itself each looks like its other time.
    for (const [name, colour] of [["T1", COLOURS.sound!] as const, ["T2", COLOURS.reject!] as const]) {
      for (const [kind, grade] of ["fresh", "late"].entries()) {
        await mkdir(join(over, grade, name), { recursive: true });
        await paintPhoto(join(over, grade, name, "0.png"), colour, kind + (name === "T1" ? 0 : 9));
      }
    }
    const apart = await json("evaluate", over);
    const together = await json("evaluate", over, "--same-fruit");
    assert.deepEqual([apart.items, together.items], [4, 4]);
    assert.notDeepEqual(together.confusion, apart.confusion);
    const one = await tiny("evaluate", join(over), "--same-fruit", "--shots", "1", "--json");
    assert.equal(one.status, 0);
  });

  test("a folder without grades, or with a single item, cannot be measured", async () => {
    const bare = join(folder, "bare");
    await mkdir(bare);
    const empty = await tiny("evaluate", bare);
    assert.deepEqual([empty.status, empty.stdout], [1, ""]);
    assert.match(empty.stderr, /there are no images in .*bare\nhint: wanted: DIR\/GRADE\/ITEM/);
    await cp(join(photos, "sound", "item-0"), join(bare, "sound", "item-0"), { recursive: true });
    const single = await tiny("evaluate", bare);
    assert.equal(single.status, 1);
    assert.match(single.stderr, /^error: found grades with 1 items in all.*\nhint: add items/);
  });

  test("a folder that cannot be a grade is named", async () => {
    const wrong = join(folder, "wrong");
    await cp(join(photos, "sound"), join(wrong, "so=und"), { recursive: true });
    const { status, stderr } = await tiny("evaluate", wrong);
    assert.equal(status, 1);
    assert.match(stderr, /"so=und" cannot be a grade/);
  });
});

/** Real fruit, beside the repository where its makers work. */
const APPLES = "../shared/data/dev/apples";
const skip = existsSync(APPLES) ? false : `needs the photographs in ${APPLES}`;

test("every item and photograph of real apples is counted, by the shipped model", { skip }, async () => {
  const { status, stdout, stderr } = await calibrate("evaluate", APPLES, "--json");
  assert.deepEqual([status, stderr], [0, ""]);
  const found = JSON.parse(stdout);
  const files = readdirSync(APPLES, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(jpe?g|png)$/.test(name),
  );
  const items = new Set(files.map((name) => dirname(name)));
  assert.deepEqual([found.items, found.views], [items.size, files.length]);
  const rows = Object.values(found.verdicts.confusion as Record<string, Record<string, number>>);
  const said = rows.flatMap((row) => Object.values(row)).reduce((sum, count) => sum + count, 0);
  assert.equal(said, items.size);
  for (const key of ["itemBalancedAccuracy", "viewBalancedAccuracy", "unknownAuroc"]) {
    assert.ok(found[key] >= 0 && found[key] <= 1, `${key} is ${found[key]}`);
  }
});
