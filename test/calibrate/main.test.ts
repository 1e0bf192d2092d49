import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { linkSync } from "node:fs";
import { cp, mkdir, readdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MAX_VIEWS } from "../../device/gallery/file.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { CalibrateFolder } from "../support/calibrate-cli.ts";
import { TINY } from "../support/embedder-tiny.ts";
import { MADE_MODEL, madeGallery } from "../support/gallery-made.ts";
import { paintFolders } from "../support/gallery-photos.ts";
import { onSmallDisk, withoutSmallDisk } from "../support/small-disk.ts";

let own: CalibrateFolder;
let folder: string;
let photos: string;

before(async () => {
  own = await CalibrateFolder.make("calibrate");
  folder = own.path;
  photos = join(folder, "photos");
  await paintFolders(photos, { sound: 4, second: 3, reject: 4, unknown: 2 });
});
after(() => own.close());

const freshGallery = (): string => own.freshGallery();
const calibrate = (...args: string[]) => own.run(...args);
const tiny = (...args: string[]) => own.tiny(...args);
const json = (...args: string[]) => own.json(...args);

async function contentOf(gallery: string): Promise<string> {
  const crops = (await readdir(join(gallery, "crops"))).sort();
  return `${await readFile(join(gallery, "gallery.bin"), "hex")} ${crops}`;
}

describe("enroll and list", { concurrency: 4 }, () => {
  test("folders of folders are items, and the list shows them", async () => {
    const gallery = freshGallery();
    const sound = await json("enroll", "sound", join(photos, "sound"), "--gallery", gallery);
    const { findings, ...enrolled } = sound;
    assert.deepEqual(enrolled, {
      enrolled: 4,
      views: 12,
      grade: "sound",
      grades: [{ grade: "sound", items: 4 }],
      known: [],
      told: { daemon: "not asked", reason: null },
    });
    assert.equal(findings[0].kind, "few-items");
    const reject = await json("enroll", "reject", join(photos, "reject"), "--gallery", gallery);
    assert.deepEqual(reject.grades, [
      { grade: "sound", items: 4 },
      { grade: "reject", items: 4 },
    ]);
    const list = await json("list", "--gallery", gallery);
    assert.deepEqual(Object.keys(list), ["gallery", "hash", "modelName", "modelHash", "grades", "items"]);
    assert.deepEqual([list.gallery, list.modelName, list.grades], [gallery, "tiny", ["sound", "reject"]]);
    assert.equal(list.items.length, 8);
    assert.deepEqual(Object.keys(list.items[0]), ["id", "grade", "origin", "enrolledAt", "views"]);
    assert.equal(list.items[0].origin, join(photos, "sound", "item-0"));
    const text = await tiny("list", "--gallery", gallery);
    assert.equal(text.status, 0);
    assert.match(text.stdout, /8 items, model tiny, grades best to worst: sound, reject/);
    assert.equal(text.stdout.split("\n").filter((line) => line.includes("3 views")).length, 8);
  });

  test("images are one item each, a folder of images is one", async () => {
    const gallery = freshGallery();
    const item = join(photos, "sound", "item-0");
    const images = await json("enroll", "sound", join(item, "0.jpg"), join(item, "1.jpg"), "--gallery", gallery);
    assert.deepEqual([images.enrolled, images.views], [2, 2]);
    const one = await json("enroll", "sound", item, "--gallery", gallery);
    assert.deepEqual([one.enrolled, one.views, one.grades], [1, 3, [{ grade: "sound", items: 3 }]]);
  });

  test("folders that are links are followed", async () => {
    const linked = join(folder, "linked");
    await mkdir(linked);
    await symlink(join(photos, "sound", "item-0"), join(linked, "a"));
    await symlink(join(folder, "nowhere"), join(linked, "b"));
    const { found, stderr } = await own.told("enroll", "sound", linked, "--gallery", freshGallery());
    assert.deepEqual([found.enrolled, found.views, found.passedOver.length], [1, 3, 1]);
    assert.match(stderr, /1 file was passed over \(a link that leads nowhere: .*b\)/);
  });

  test("without --json a person reads what was enrolled", async () => {
    const { status, stdout, stderr } = await tiny(
      "enroll",
      "sound",
      join(photos, "sound"),
      "--gallery",
      freshGallery(),
    );
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(
      stdout,
      /^enrolled 4 items \(12 views\) as sound\n {2}sound: 4\nToo few items -> enroll 35 more sound.*\n {2}! sound has 4 items: /,
    );
    assert.match(stdout, /a running daemon .*reload.*\n$/);
  });

  test("a list without a gallery, and of a damaged one, ends with 1 and says what to do", async () => {
    const gallery = freshGallery();
    const absent = await tiny("list", "--gallery", gallery);
    assert.deepEqual([absent.status, absent.stdout], [1, ""]);
    assert.match(absent.stderr, /^error: there is no gallery in .*\nhint: gradeline-calibrate enroll GRADE PATH…/);
    await json("enroll", "sound", join(photos, "sound"), "--gallery", gallery);
    await truncate(join(gallery, "gallery.bin"), 100);
    const damaged = await tiny("list", "--gallery", gallery, "--json");
    assert.equal(damaged.status, 1);
    assert.match(damaged.stderr, /gallery\.bin is not a whole gallery/);
    const told = JSON.parse(damaged.stdout);
    assert.deepEqual(
      [told.error.code, typeof told.error.message, typeof told.error.hint],
      ["GALLERY", "string", "string"],
    );
  });

  test("a newest gallery that is damaged is listed from the one before, with a warning on standard error", async () => {
    const gallery = freshGallery();
    await json("enroll", "sound", join(photos, "sound"), "--gallery", gallery);
    await json("enroll", "reject", join(photos, "reject"), "--gallery", gallery);
    await truncate(join(gallery, "gallery.bin"), 100);
    const { status, stdout, stderr } = await tiny("list", "--gallery", gallery, "--json");
    assert.deepEqual([status, JSON.parse(stdout).items.length], [0, 4]);
    assert.match(stderr, /^warning: .*the one before it is used\n$/);
  });

  test("a gallery of another model is refused, and stays", async () => {
    const gallery = freshGallery();
    const writer = await GalleryWriter.open(gallery);
    await writer.save(madeGallery(), MADE_MODEL.name);
    writer.close();
    const before = await contentOf(gallery);
    const { status, stderr } = await tiny("enroll", "sound", join(photos, "sound"), "--gallery", gallery);
    assert.equal(status, 1);
    assert.match(stderr, /made by model made.*\nhint: .*gradeline-calibrate rebuild --gallery/);
    assert.equal(await contentOf(gallery), before);
  });

  test("a gallery that another process writes to is refused", async () => {
    const gallery = freshGallery();
    const writer = await GalleryWriter.open(gallery);
    const { status, stderr } = await tiny("enroll", "sound", join(photos, "sound"), "--gallery", gallery);
    writer.close();
    assert.equal(status, 1);
    assert.match(stderr, /another process writes to the gallery/);
  });
});

describe("what cannot be enrolled", { concurrency: 4 }, () => {
  let something: string;
  before(async () => {
    something = freshGallery();
    await json("enroll", "sound", join(photos, "sound", "item-0"), "--gallery", something);
  });

  /** Enrolls into a gallery that has something; whatever goes wrong it must stay as it is. */
  async function refused(path: string, grade = "sound"): Promise<string> {
    const gallery = freshGallery();
    await cp(something, gallery, { recursive: true });
    const before = await contentOf(gallery);
    const { status, stdout, stderr } = await tiny("enroll", grade, path, "--gallery", gallery);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.equal(await contentOf(gallery), before);
    assert.match(stderr, /^error: /);
    assert.doesNotMatch(stderr, /\n {4}at /, "no stack: it is no defect of ours");
    return stderr;
  }

  for (const grade of ["../x", "a\u0007b", "\u001b[31m\n"]) {
    test(`a grade that cannot be one: ${JSON.stringify(grade.slice(0, 12))}`, async () => {
      const stderr = await refused(join(photos, "sound"), grade);
      assert.match(stderr, /cannot be a grade: 1 to 40 letters/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not reach a terminal
      assert.doesNotMatch(stderr, /[\u0000-\u0009\u000b-\u001f]/);
    });
  }

  test("`unknown` is no grade", async () => {
    assert.match(await refused(join(photos, "unknown"), "unknown"), /`unknown` is what belongs to no grade/);
  });

  test("a file that is no image is named, and none of its neighbours is enrolled", async () => {
    const mixed = join(folder, "mixed");
    await cp(join(photos, "reject"), mixed, { recursive: true });
    await writeFile(join(mixed, "item-3", "notes.jpg"), "these are my notes");
    assert.match(await refused(mixed), /mixed\/item-3\/notes\.jpg is no image/);
  });

  test("a JPEG cut short is named", async () => {
    const torn = join(folder, "torn");
    await cp(join(photos, "sound", "item-1"), torn, { recursive: true });
    const path = join(torn, "2.jpg");
    await truncate(path, Math.floor((await readFile(path)).length * 0.7));
    assert.match(await refused(torn), /torn\/2\.jpg cannot be decoded/);
  });

  test("an image of 0 bytes is named", async () => {
    const path = join(folder, "zero.jpg");
    await writeFile(path, "");
    assert.match(await refused(path), /zero\.jpg has 0 bytes/);
  });

  test("an empty folder, and one without images, are named", async () => {
    const empty = join(folder, "empty");
    await mkdir(join(empty, "inner"), { recursive: true });
    assert.match(await refused(empty), /there are no images in .*empty\nhint: /);
    await writeFile(join(empty, "readme.txt"), "nothing here");
    assert.match(await refused(empty), /there are no images in .*empty/);
  });

  test("a folder of thousands of pictures is not one fruit: told at once, with what to do", async () => {
    const thousands = join(folder, "thousands");
    await mkdir(thousands);
    const picture = join(photos, "sound", "item-0", "0.jpg");
    for (let n = 0; n <= MAX_VIEWS; n++) linkSync(picture, join(thousands, `${n}.jpg`));
    const gallery = freshGallery();
    const { status, stderr } = await tiny("enroll", "sound", thousands, "--gallery", gallery);
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      /found 10001 pictures of one fruit in .*thousands, wanted at most 10000\nhint: where each shows/,
    );
    await assert.rejects(readdir(gallery));
    // As single fruit by name they are taken, thousands of words long as the command then is.
    const named = (await readdir(thousands)).slice(0, 1500).map((name) => join(thousands, name));
    const single = await json("enroll", "sound", ...named, "--gallery", gallery);
    assert.deepEqual([single.enrolled, single.known.length], [1, 1499], "the same picture counts once");
  });

  test("hundreds of pictures in one folder are taken for one fruit, with a warning", async () => {
    const hundreds = join(folder, "hundreds");
    await mkdir(hundreds);
    for (let n = 0; n < 500; n++) linkSync(join(photos, "sound", "item-0", "0.jpg"), join(hundreds, `${n}.jpg`));
    const { status, stdout, stderr } = await tiny("enroll", "sound", hundreds, "--gallery", freshGallery());
    assert.deepEqual([status, /^enrolled 1 items \(500 views\)/.test(stdout)], [0, true]);
    assert.match(stderr, /^warning: the 500 pictures in .*hundreds are taken for views of one fruit\n$/);
  });

  test("a full disk is told, and what was enrolled before stays", { skip: withoutSmallDisk }, async () => {
    const inside = join(folder, "disk");
    await mkdir(inside);
    // Room for some pictures, not for all; the folder outlives the file system as a copy.
    const script =
      'cp -r "$1" "$0/gallery"; head -c 200000 /dev/zero >"$0/ballast" 2>/dev/null; truncate -s -8192 "$0/ballast"; ' +
      'shift; "$@" >"$0/../said" 2>&1; ' +
      'echo $? >>"$0/../said"; cp -r "$0/gallery" "$0/../after"';
    const [program, ...rest] = onSmallDisk(inside, "128k", script);
    const command = ["enroll", "reject", join(photos, "reject"), "--gallery", join(inside, "gallery"), "--model", TINY];
    spawnSync(program!, [...rest, something, process.execPath, "calibrate/main.ts", ...command]);
    const said = await readFile(join(folder, "said"), "utf8");
    assert.match(said, /^error: .* cannot be written: ENOSPC.*\nhint: make room on the disk; .* is kept\n1\n$/);
    assert.equal(await contentOf(join(folder, "after")), await contentOf(something));
  });

  test("a path that does not exist is named", async () => {
    assert.match(await refused(join(folder, "absent")), /absent cannot be read: ENOENT/);
  });

  test("one empty path among good ones stops all", async () => {
    const empty = join(folder, "empty-too");
    await mkdir(empty);
    const gallery = freshGallery();
    const { status, stderr } = await tiny("enroll", "sound", join(photos, "sound"), empty, "--gallery", gallery);
    assert.equal(status, 1);
    assert.match(stderr, /no images in .*empty-too/);
    assert.equal((await tiny("list", "--gallery", gallery)).status, 1);
  });
});

describe("the command line", { concurrency: 4 }, () => {
  test("every command's help has examples that name it, and ends with 0", async () => {
    const names = (help: string): string[] =>
      [...(help.split("Commands:\n")[1] ?? "").matchAll(/^ {2}([a-z]+) /gm)]
        .map(([, name]) => name!)
        .filter((name) => name !== "help");
    const seen: string[] = [];
    const look = async (...words: string[]): Promise<void> => {
      const { status, stdout, stderr } = await calibrate(...words, "--help");
      assert.deepEqual([status, stderr], [0, ""], words.join(" "));
      const [usage, examples] = stdout.split(/^Examples?:\n/m);
      // The usual subcommand of a group goes without its name.
      assert.ok(examples?.includes(`  gradeline-calibrate ${words[0] ?? ""}`), `${words.join(" ")}: ${stdout}`);
      assert.match(usage!, /--json|Commands:/, `${words.join(" ")} speaks to programs, too`);
      seen.push(words.join(" "));
      await Promise.all(names(stdout).map((name) => look(...words, name)));
    };
    await look();
    for (const name of [
      "enroll",
      "list",
      "show",
      "remove",
      "relabel",
      "grades order",
      "rebuild",
      "undo",
      "audit",
      "fit",
    ]) {
      assert.ok(seen.includes(name), `${name} is not among ${seen.join(", ")}`);
    }
    for (const name of ["evaluate", "map", "repeat", "watch", "queue answer", "release", "doctor", "record"]) {
      assert.ok(seen.includes(name), `${name} is not among ${seen.join(", ")}`);
    }
  });

  test("the version is the package's", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    assert.deepEqual(await calibrate("--version"), { status: 0, stdout: `${version}\n`, stderr: "" });
  });

  const wrong: readonly [string, string[]][] = [
    ["an unknown command", ["grade"]],
    ["an unknown option", ["list", "--gallry", "x"]],
    ["an argument too many", ["list", "sound"]],
    ["shots that are no number", ["evaluate", "photos", "--shots", "few"]],
    ["half a repeat", ["evaluate", "photos", "--repeats", "1.5"]],
  ];
  for (const [what, args] of wrong) {
    test(`${what} is wrong use and ends with 2`, async () => {
      const { status, stdout, stderr } = await calibrate(...args);
      assert.deepEqual([status, stdout], [2, ""], stderr);
      assert.match(stderr, /^error: (.+\n)+hint: gradeline-calibrate( list| evaluate)? --help\n$/);
    });
  }

  test("a model that is missing ends with 1 and is named", async () => {
    const { status, stderr } = await calibrate("evaluate", photos, "--model", join(folder, "absent.json"));
    assert.equal(status, 1);
    assert.match(stderr, /absent\.json cannot be read/);
  });

  test("a configuration gives gallery and model, and one that is wrong ends with 2", async () => {
    const { status, stderr } = await calibrate("list", "--config", join(folder, "absent.yaml"));
    assert.equal(status, 2);
    assert.match(stderr, /absent\.yaml/);
    const gallery = freshGallery();
    await json("enroll", "sound", join(photos, "sound"), "--gallery", gallery);
    const example = await readFile("systemd/gradeline.example.yaml", "utf8");
    const path = join(folder, "gradeline.yaml");
    await writeFile(path, example.replace(/^gallery: .*$/m, `gallery: ${gallery}`));
    const listed = await calibrate("list", "--config", path, "--json");
    assert.deepEqual([listed.status, listed.stderr], [0, ""]);
    assert.equal(JSON.parse(listed.stdout).gallery, gallery);
  });
});
