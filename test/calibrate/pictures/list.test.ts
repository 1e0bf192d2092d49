import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { listGradeFolders, listPaths } from "../../../calibrate/pictures/images.ts";
import { Remarks } from "../../../calibrate/pictures/remarks.ts";
import { StillReader } from "../../../calibrate/pictures/still-reader.ts";
import { MADE_MODEL } from "../../support/gallery-made.ts";

/** Makes empty files, hands over their folder, and removes it. */
async function within(files: readonly string[], work: (root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "gradeline-list-"));
  try {
    for (const file of files) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), "");
    }
    await work(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

function told(remarks: Remarks, root: string): Record<string, string> {
  return Object.fromEntries(remarks.passedOver.map(({ path, reason }) => [path.slice(root.length + 1), reason]));
}

const SYSTEM = [
  "__MACOSX/sound/._0.jpg",
  "@eaDir/0.jpg/SYNOPHOTO_THUMB_XL.jpg",
  "@__thumb/s800.jpg",
  "#recycle/old.jpg",
  "lost+found/a.jpg",
  "$RECYCLE.BIN/S-1-5/a.jpg",
  "System Volume Information/a.jpg",
  "FOUND.000/a.jpg",
  "LOST.DIR/a.jpg",
  ".Trash-1000/files/a.jpg",
];

test("folders that systems make are told, and none of their pictures is taken, at any depth", async () => {
  const places = ["", "sound/", "sound/a0/"];
  const files = places.flatMap((place) => SYSTEM.map((file) => place + file));
  await within(
    ["sound/a0/0.jpg", "sound/a0/1.jpg", ...files, "sound/Thumbs.db", "sound/a0/desktop.ini"],
    async (root) => {
      const remarks = new Remarks();
      const items = await listGradeFolders(root, remarks);
      assert.deepEqual(
        items.map(({ grade, name, files: own }) => [grade, name, own.length]),
        [["sound", "a0", 2]],
      );
      // Hidden ones are no loss.
      assert.equal(remarks.passedOver.length, places.length * (SYSTEM.length - 1));
      assert.ok(remarks.passedOver.every(({ path, reason }) => path.endsWith("/") && /keeps|adds|puts/.test(reason)));
      const enrolled = await listPaths("sound", [join(root, "sound")]);
      assert.deepEqual(
        enrolled.map(({ files: own }) => own.length),
        [2],
      );
    },
  );
});

test("the folders of an item are its cameras, which is told; deeper ones and empty ones are told too", async () => {
  const files = ["a9/cam2/0.jpg", "a9/cam1/0.jpg", "a9/cam1/1.jpg", "a9/top.jpg", "a9/cam1/raw/0.jpg", "a8/notes.txt"];
  await within(
    files.map((file) => `sound/${file}`),
    async (root) => {
      const remarks = new Remarks();
      const [item, ...others] = await listGradeFolders(root, remarks);
      assert.deepEqual(others, []);
      const at = join(root, "sound", "a9");
      assert.deepEqual(
        item!.files.map((path) => path.slice(at.length + 1)),
        ["top.jpg", "cam1/0.jpg", "cam1/1.jpg", "cam2/0.jpg"],
      );
      assert.deepEqual(told(remarks, root), {
        "sound/a9/cam1/raw/": "deeper than ITEM/CAMERA, it is not looked into",
        "sound/a8/notes.txt": "its name is not an image's",
        "sound/a8/": "there is no picture in it",
      });
      assert.match(remarks.lines()[0]!, /^note: folders in an item are taken for its cameras: .*a9 \(cam1, cam2\)$/);
      assert.deepEqual(await listPaths("sound", [join(root, "sound")]), [{ ...item, name: at, cameras: 2 }]);
    },
  );
});

test("a folder of grades that is enrolled as one grade is refused, and so are more cameras than there can be", async () => {
  await within(["sound/a0/0.jpg", "reject/a0/0.jpg"], async (root) => {
    await assert.rejects(listPaths("sound", [root]), {
      code: "USAGE",
      message: /holds the folder sound itself/,
      hint: `gradeline-calibrate enroll sound ${join(root, "sound")}`,
    });
  });
  const many = Array.from({ length: 17 }, (_, i) => `sound/item-${i}/0.jpg`);
  await within(many, async (root) => {
    await assert.rejects(listPaths("reject", [root]), { code: "USAGE", message: /17 folders .*at most 16/ });
  });
});

test("files that are no pictures are told by what they are, together", async () => {
  const files = ["a/0.HEIC", "a/1.heic", "a/2.heic", "a/3.heic", "a/4.bmp", "a/5.jpg", "b/clip.mov", "b/notes.txt"];
  await within(files, async (root) => {
    const remarks = new Remarks();
    assert.equal((await listPaths("sound", [root], remarks)).length, 1);
    const [line] = remarks.lines();
    assert.match(
      line!,
      /^warning: 8 files or folders were passed over \(heic, as telephones save it, is not read: convert/,
    );
    assert.match(
      line!,
      /0\.HEIC, .*1\.heic, .*2\.heic and 1 more; bmp, is not read: .*a video, is not read: .*clip\.mov/s,
    );
  });
  await within(["a/0.HEIC"], async (root) => {
    await assert.rejects(listPaths("sound", [root]), { code: "SOURCE_EMPTY", hint: /heic/ });
    await assert.rejects(listGradeFolders(root), { code: "SOURCE_EMPTY", hint: /heic/ });
  });
});

test("a folder whose name cannot be a grade is refused only where it holds pictures", async () => {
  await within(["sound/0.jpg", "(notes)/a.txt"], async (root) => {
    assert.equal((await listGradeFolders(root)).length, 1);
  });
  await within(["sound/0.jpg", "(more)/a.jpg"], async (root) => {
    await assert.rejects(listGradeFolders(root), { code: "GRADE", message: /"\(more\)" cannot be a grade/ });
  });
});

test("links that lead nowhere are told", async () => {
  await within(["a/0.jpg"], async (root) => {
    await symlink("nowhere.jpg", join(root, "a", "1.jpg"));
    const remarks = new Remarks();
    const [item] = await listPaths("sound", [root], remarks);
    assert.equal(item!.files.length, 1);
    assert.deepEqual(told(remarks, root), { "a/1.jpg": "a link that leads nowhere" });
  });
});

/** A PNG of discs before white. */
async function discs(path: string, of: readonly (readonly [x: number, y: number, r: number])[]): Promise<void> {
  const [width, height] = [300, 200];
  const data = new Uint8Array(width * height * 3).fill(240);
  for (let p = 0; p < width * height; p++) {
    const inside = of.some(([x, y, r]) => Math.hypot((p % width) - x, Math.floor(p / width) - y) < r);
    if (inside) data.set([190, 60, 40], p * 3);
  }
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
}

test("a second fruit in the picture is told with its size, a speck is not", async () => {
  await within([], async (root) => {
    const remarks = new Remarks();
    const reader = new StillReader(MADE_MODEL, remarks);
    await discs(join(root, "one.png"), [[100, 100, 60]]);
    await discs(join(root, "speck.png"), [
      [100, 100, 60],
      [230, 100, 20],
    ]);
    await discs(join(root, "two.png"), [
      [100, 100, 60],
      [230, 100, 48],
    ]);
    for (const name of ["one.png", "speck.png", "two.png"]) await reader.crop(join(root, name));
    const lines = remarks.lines();
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^warning: 1 picture shows a second fruit, up to 6[3-5] % as large .*two\.png$/);
  });
});

test("a file that holds several pictures is told, and its first is used", async () => {
  await within([], async (root) => {
    const remarks = new Remarks();
    const reader = new StillReader(MADE_MODEL, remarks);
    const frame = (grey: number): Buffer => Buffer.alloc(32 * 32 * 3, grey);
    const film = Buffer.concat([frame(10), frame(90), frame(200)]);
    const raw = { width: 32, height: 96, channels: 3, pageHeight: 32 } as const;
    const still = { width: 32, height: 32, channels: 3 } as const;
    await sharp(film, { raw, animated: true }).webp({ lossless: true }).toFile(join(root, "film.webp"));
    await sharp(film, { raw, animated: true }).tiff().toFile(join(root, "pages.tiff"));
    await sharp(frame(10), { raw: still }).webp({ lossless: true }).toFile(join(root, "one.webp"));
    await sharp(frame(10), { raw: still }).tiff().toFile(join(root, "one.tiff"));
    for (const name of ["film.webp", "pages.tiff", "one.webp", "one.tiff"]) await reader.crop(join(root, name));
    const lines = remarks.lines();
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0]!, /^warning: 2 files hold several pictures.*film\.webp \(3\), .*pages\.tiff \(3\)$/);
  });
});

test("the folder of one grade in the place of the one above is told, a folder of grades is not", async () => {
  const files = ["sound", "second"].flatMap((grade) =>
    ["item-1", "item-2"].flatMap((item) => ["0.jpg", "1.jpg"].map((view) => `${grade}/${item}/${view}`)),
  );
  await within([...files, "flat/sound/1.jpg", "flat/bad/2.jpg", "own/red/1.jpg", "own/green/2.jpg"], async (root) => {
    const said = async (folder: string): Promise<string[]> => {
      const remarks = new Remarks();
      await listGradeFolders(join(root, folder), remarks);
      return remarks.lines();
    };
    const [line, ...more] = await said("sound");
    assert.match(line!, /are taken for grades \(item-1, item-2\).* give the folder above: /);
    assert.ok(line!.endsWith(root) && more.length === 0, line);
    assert.deepEqual([await said("flat"), await said("own")], [[], []]);
  });
});

test("a picture with a side under 16 px is refused", async () => {
  await within([], async (root) => {
    const path = join(root, "line.png");
    await sharp({ create: { width: 900, height: 4, channels: 3, background: "#c83220" } })
      .png()
      .toFile(path);
    await assert.rejects(new StillReader(MADE_MODEL).crop(path), { code: "IMAGE_SIZE", message: /900 x 4/ });
  });
});
