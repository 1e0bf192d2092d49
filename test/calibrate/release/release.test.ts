import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { TINY, writeOtherTiny } from "../../support/embedder-tiny.ts";
import type { Ran } from "../../support/gallery-photos.ts";
import { madeKey, savePicturedGallery } from "../../support/recipe-made.ts";
import { onSmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";

let folder: string;
let gallery: string;
let key: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-release-"));
  gallery = join(folder, "gallery");
  await savePicturedGallery(gallery, 6);
  key = (await madeKey(folder)).path;
});
after(() => rm(folder, { recursive: true, force: true }));

function calibrate(...args: string[]): Promise<Ran> {
  return runCalibrate(folder, args);
}

async function json(...args: string[]) {
  const { status, stdout, stderr } = await calibrate(...args, "--json");
  assert.deepEqual([status, stderr], [0, ""]);
  return JSON.parse(stdout);
}

test("a key is made that only its owner may read, is never written over, and signs what `release show` checks", async () => {
  const path = join(folder, "own.key");
  const made = await json("release", "key", "--out", path);
  assert.deepEqual([made.key, (await stat(path)).mode & 0o777], [path, 0o600]);
  const secret = await readFile(path, "utf8");
  const again = await calibrate("release", "key", "--out", path);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /own\.key exists; a key is never overwritten\nhint: /);
  assert.equal(await readFile(path, "utf8"), secret);

  const out = join(folder, "apples.recipe");
  const released = await json(
    ...["release", "apples", "3", "--key", path, "--gallery", gallery, "--model", TINY, "--out", out],
  );
  assert.deepEqual(
    [released.file, released.name, released.version, released.gallery.items, released.signedBy.publicKey],
    [out, "apples", "3", 6, made.publicKey],
  );
  assert.equal((await stat(out)).size, released.bytes);
  const { file: _, bytes: __, ...about } = released;
  const config = join(folder, "trusting.yaml");
  const example = await readFile("systemd/gradeline.example.yaml", "utf8");
  await writeFile(config, example.replace(/#trust: .*/, `trust: ["${made.publicKey}"]`));
  assert.deepEqual(await json("release", "show", out), { file: out, trusted: null, ...about });
  assert.equal((await json("release", "show", out, "--config", config)).trusted, true);
  const text = await calibrate("release", "show", out, "--config", "systemd/gradeline.example.yaml");
  assert.match(
    text.stdout,
    /apples-3 .*\n.*tiny 1.*\n[\s\S]*whole, and signed by the key [0-9a-f]{16}, which .* does not trust/,
  );
  for (const said of [text, again]) assert.ok(!`${said.stdout}${said.stderr}`.includes(secret.split("\n")[1]!));
});

test("without a version it is the minute, and a file that is there stays unless --force", async () => {
  const out = join(folder, "dated.recipe");
  const args = ["release", "apples", "--key", key, "--gallery", gallery, "--model", TINY, "--out", out];
  assert.match((await json(...args)).version, /^20\d{6}\.\d{4}$/);
  const before = await readFile(out);
  const again = await calibrate(...args);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /dated\.recipe is there already\nhint: .*--force/);
  assert.deepEqual(await readFile(out), before);
  await json(...args, "--force");
});

test("a gallery of another model, an empty or damaged one, lost pictures and a wrong name are refused; no file is left", async () => {
  const own = join(folder, "refusals");
  await mkdir(own);
  const out = join(own, "refused.recipe");
  const release = (...args: string[]) => calibrate("release", ...args, "--key", key, "--out", out, "--model", TINY);
  const other = join(folder, "other");
  await mkdir(other);
  const otherModel = await calibrate(
    ...["release", "apples", "3", "--key", key, "--out", out, "--gallery", gallery],
    ...["--model", await writeOtherTiny(other)],
  );
  assert.match(otherModel.stderr, /was made by model tiny [0-9a-f]{16}, loaded is other [0-9a-f]{16}\nhint: .*rebuild/);
  const empty = await release("apples", "3", "--gallery", join(folder, "empty"));
  assert.match(empty.stderr, /there is no gallery in .*empty/);
  const lost = join(folder, "lost");
  await savePicturedGallery(lost, 4);
  await rm(join(lost, "crops", "item-2.png"));
  const missing = await release("apples", "3", "--gallery", lost);
  assert.match(missing.stderr, /item-2\.png cannot be read.*\nhint: the pictures of this item are missing/);
  const readable = await calibrate(...["release", "apples", "3", "--key", TINY, "--gallery", gallery, "--out", out]);
  assert.match(readable.stderr, /may be read by others/);
  assert.deepEqual(
    [otherModel, empty, missing, readable].map(({ status }) => status),
    [1, 1, 1, 1],
  );
  const wrong = await release("../x", "3", "--gallery", gallery);
  assert.deepEqual([wrong.status, /wanted 1 to 32 letters/.test(wrong.stderr)], [2, true]);
  assert.deepEqual(await readdir(own), []);
});

test("a disk that is full leaves the recipe that was there, whole", { skip: withoutSmallDisk }, async () => {
  const inside = join(folder, "disk");
  await mkdir(inside);
  const small = join(folder, "small.recipe");
  await json("release", "small", "1", "--key", key, "--gallery", gallery, "--model", TINY, "--out", small);
  const { size } = await stat(small);
  // Room for the first one and half of the second; the folder outlives the file system as a copy.
  const script =
    'cp "$1" "$0/there.recipe"; shift; "$@" >"$0/../said" 2>&1; echo $? >>"$0/../said"; cp -r "$0" "$0/../after"';
  const [program, ...rest] = onSmallDisk(inside, `${Math.ceil((size * 1.5) / 4096) * 4}k`, script);
  const command = ["release", "small", "2", "--key", key, "--gallery", gallery, "--model", TINY, "--force"];
  const args = [small, process.execPath, "calibrate/main.ts", ...command, "--out", join(inside, "there.recipe")];
  spawnSync(program!, [...rest, ...args]);
  const said = await readFile(join(folder, "said"), "utf8");
  assert.match(
    said,
    /there\.recipe cannot be written: ENOSPC.*\nhint: make room on the disk; what was there before is kept\n1\n/,
  );
  assert.deepEqual(await readdir(join(folder, "after")), ["there.recipe"]);
  assert.deepEqual(await readFile(join(folder, "after", "there.recipe")), await readFile(small));
});
