import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkInstalled, readInstalled, readState } from "../../../device/recipes/bundle/installed.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import type { Daemon } from "../../support/daemon.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import { writeOtherTiny } from "../../support/embedder-tiny.ts";
import type { Ran } from "../../support/gallery-photos.ts";
import { smallLine } from "../../support/line-config.ts";
import { type MadeKey, madeKey, releaseMade, savePicturedGallery } from "../../support/recipe-made.ts";
import { onSmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";

const skip = withoutMosquitto;

let daemon: Daemon;
let key: MadeKey;
const board = Board.forAllTests("mosquitto", async () => {
  key = await madeKey(board.folder);
  await start();
});

async function start(): Promise<void> {
  daemon = await board.started(board.line({ more: { recipes: { trust: [key.publicKey] } } }));
}

function calibrate(...args: string[]): Promise<Ran> {
  return runCalibrate(board.folder, [...args, "--config", join(board.folder, "gradeline.yaml")]);
}

async function json(...args: string[]) {
  const { status, stdout, stderr } = await calibrate(...args, "--json");
  assert.deepEqual([status, stderr], [0, ""], args.join(" "));
  return JSON.parse(stdout);
}

async function released(name: string, version: string, items: number, model?: string): Promise<string> {
  const gallery = join(board.folder, `made-${name}`);
  const out = join(board.folder, `${name}-${version}.recipe`);
  const of = model === undefined ? {} : { model };
  await savePicturedGallery(gallery, items, { seed: items * 10, ...of });
  await releaseMade(gallery, key, { name, version, out, ...of });
  return out;
}

async function wider(): Promise<string> {
  await mkdir(join(board.folder, "wider"));
  return writeOtherTiny(join(board.folder, "wider"), (description) => {
    description.crop.margin = 0.2;
  });
}

test("a recipe is tried in the shadow, activated, taught and gone back from by the command line", {
  skip,
}, async () => {
  const file = await released("apples", "1", 5);
  const tried = await calibrate("shadow", file);
  assert.match(tried.stdout, /^apples-1 decides in the shadow since .*\nverdicts do not change/);
  await board.ears.until(() =>
    board.ears.json("board/shadow").find(({ shadow }) => (shadow as { items: number } | null)?.items),
  );
  const counted = await calibrate("shadow");
  assert.match(counted.stdout, /\d+ items decided by both: \d+ the same.*\d+ different/);
  assert.match(counted.stdout, /take it over: gradeline-calibrate activate apples-1 /);

  const activated = await calibrate("activate", file);
  assert.match(
    activated.stdout,
    /^the next fruit is graded by apples-1: model [0-9a-f]{16}, gallery [0-9a-f]{16}, 5 references; rollback goes back to the configuration's own model and gallery\n$/,
  );
  assert.match((await calibrate("shadow")).stdout, /no shadow recipe is set; set one/);
  await board.ears.until(() => verdictsOf(board.ears).find(({ recipe }) => recipe === "apples-1"));
  // What is enrolled is now the recipe's, and changes of it are the daemon's at once.
  const { items } = await json("list");
  assert.equal(items.length, 5);
  const removed = await json("remove", items[0].id);
  assert.equal(removed.told.daemon, "reloaded");
  await board.ears.until(() => verdictsOf(board.ears).find(({ recipe }) => recipe === "apples-1+"));
  const listed = await calibrate("recipes");
  assert.match(
    listed.stdout,
    /\* apples-1 .*5 items as sound, second, reject, taught since; key [0-9a-f]{16}; active\n/,
  );
  assert.match(listed.stdout, /rollback goes back to the configuration's own/);
  const back = await json("rollback");
  assert.deepEqual([back.recipe, back.previous, back.references], [null, null, 6]);
  const none = await calibrate("rollback");
  assert.deepEqual([none.status, /no recipe to go back to.*\nhint: /.test(none.stderr)], [1, true]);
});

test("with the daemon stopped it is for the next start, also where views are cut otherwise; wrong use is said", {
  skip,
}, async () => {
  const file = await released("wider", "1", 4, await wider());
  const live = await calibrate("activate", file);
  assert.match(live.stderr, /wants views of 16 px with margin 0\.2 .*\nhint: stop the daemon.*--offline/);
  await daemon.kill("SIGTERM");
  const away = await calibrate("activate", file);
  assert.match(away.stderr, /the daemon board at .* is stopped/);
  assert.deepEqual(await json("activate", file, "--offline"), { recipe: "wider-1", from: "next start" });
  await start();
  await board.ears.until(() => verdictsOf(board.ears).find(({ recipe }) => recipe === "wider-1"));
  await daemon.kill("SIGTERM");
  assert.deepEqual(await json("rollback", "--offline"), { recipe: null, from: "next start" });
  for (const [args, message] of [
    [["activate", join(board.folder, "absent.recipe")], /absent\.recipe does not exist\nhint: /],
    [["shadow", "apples-1", "--stop"], /found both a recipe and --stop/],
  ] as const) {
    const { status, stderr } = await calibrate(...args);
    assert.ok(status === 1 || status === 2);
    assert.match(stderr, message);
  }
});

test("a disk that is full leaves the recipe that was active, and nothing half installed", {
  skip: withoutSmallDisk,
}, async (context) => {
  const own = await mkdtemp(join(tmpdir(), "gradeline-recipe-disk-"));
  context.after(() => rm(own, { recursive: true, force: true }));
  const signer = await madeKey(own);
  const files: string[] = [];
  for (const version of ["1", "2"]) {
    const gallery = join(own, `gallery-${version}`);
    const out = join(own, `apples-${version}.recipe`);
    await savePicturedGallery(gallery, version === "1" ? 3 : 60, { seed: 7 });
    await releaseMade(gallery, signer, { name: "apples", version, out });
    files.push(out);
  }
  const inside = join(own, "disk");
  await mkdir(inside);
  const path = join(inside, "recipes");
  const recipes = { trust: [signer.publicKey], path };
  const config = join(own, "gradeline.yaml");
  await writeFile(
    config,
    JSON.stringify(smallLine({ folder: own, brokerPort: 1, pace: "fast", startAt: 1, more: { recipes } })),
  );
  // The folder outlives the file system as a copy.
  const script =
    'for file in "$2" "$3"; do ' +
    '"$4" calibrate/main.ts activate "$file" --offline --config "$1" >>"$0/../said" 2>&1; echo $? >>"$0/../said"; done; ' +
    'cp -r "$0/recipes" "$0/../after"';
  const [program, ...rest] = onSmallDisk(inside, "200k", script);
  spawnSync(program!, [...rest, config, ...files, process.execPath]);
  const said = await readFile(join(own, "said"), "utf8");
  assert.match(said, /^apples-1 is graded by from the daemon's next start on\n0\n/);
  assert.match(
    said,
    /installing cannot be written: ENOSPC.*\nhint: make room on the disk; what was there before is kept\n1\n$/,
  );
  const after = join(own, "after");
  assert.deepEqual((await readdir(after)).sort(), ["00000001", "inbox", "lock", "state.copy.json", "state.json"]);
  const { active, previous } = await readState(after);
  assert.deepEqual([active, previous], [1, [null]]);
  await checkInstalled(await readInstalled(after, 1));
});
