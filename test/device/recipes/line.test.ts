import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { handOver } from "../../../calibrate/recipes/hand-over.ts";
import { nowMicros } from "../../../device/base/time.ts";
import { configSchema } from "../../../device/config/schema.ts";
import type { RecipeMessage, ShadowMessage, Verdict } from "../../../device/contract/messages.ts";
import type { DataOf } from "../../../device/contract/verbs.ts";
import { loadModel } from "../../../device/embed/model.ts";
import { GalleryWriter, readAnyGallery } from "../../../device/gallery/store.ts";
import { readPlaces } from "../../../device/recipes/bundle/installed.ts";
import { type Answer, Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import type { Daemon } from "../../support/daemon.ts";
import { assertNumbered, endInOrder, nextBy, verdictsOf, wrongs } from "../../support/daemon-verdicts.ts";
import { TINY, writeOtherTiny } from "../../support/embedder-tiny.ts";
import { madeCrops } from "../../support/gallery-made.ts";
import { FRAME_TO_GATE_US, truthOf } from "../../support/line-config.ts";
import { type MadeKey, madeKey, releaseMade, savePicturedGallery } from "../../support/recipe-made.ts";
import type { Subscriber } from "../../support/subscriber.ts";

const skip = withoutMosquitto;
const LANES = ["belt", "cups"];

let ears: Subscriber;
let daemon: Daemon;
let page: string;
let key: MadeKey;
let startAt: number;
/** Since then every fruit that comes into view is seen. */
let readyAt: number;
const board = Board.forEachTest("mosquitto", async () => {
  ({ ears } = board);
  key = await madeKey(board.folder);
  startAt = nowMicros();
  await start();
});

function config() {
  return board.line({ startAt, more: { recipes: { trust: [key.publicKey] } } });
}

async function start(): Promise<void> {
  daemon = await board.started(config());
  page = await daemon.ready();
  await ears.until(() => (board.states.at(-1)?.state === "online" ? true : undefined));
  readyAt = nowMicros();
}

function ask(verb: string, request: object = {}): Promise<Answer<DataOf<"activate">>> {
  return board.ask(verb, request);
}

/** As the command line does: checks the file, puts it into the inbox and asks for it. */
async function activate(file: string): Promise<Answer<DataOf<"activate">>> {
  return ask("activate", { recipe: await handedOver(file) });
}

/** @returns the digest of the recipe that now lies in the inbox */
function handedOver(file: string): Promise<string> {
  return handOver({ stop: new AbortController().signal }, configSchema.parse(config()), file);
}

const recipes = (): RecipeMessage[] => ears.json("board/recipe") as unknown as RecipeMessage[];
const by = ({ recipe, model, gallery }: Pick<Verdict, "recipe" | "model" | "gallery">) =>
  `${recipe} ${model} ${gallery}`;

/** A recipe of its own gallery. */
async function released(name: string, version: string, items: number, model?: string): Promise<string> {
  const gallery = join(board.folder, `made-${name}-${version}`);
  const out = join(board.folder, `${name}-${version}.recipe`);
  await savePicturedGallery(gallery, items, { seed: items * 10, ...(model === undefined ? {} : { model }) });
  await releaseMade(gallery, key, { name, version, out, ...(model === undefined ? {} : { model }) });
  return out;
}

async function otherModel(change?: Parameters<typeof writeOtherTiny>[1]): Promise<string> {
  const own = join(board.folder, "other-model");
  await mkdir(own, { recursive: true });
  return writeOtherTiny(own, change);
}

test("a line runs on while recipes are activated, of another model too, and gone back from: no verdict is missing, each is by one recipe whole", {
  skip,
}, async () => {
  const first = await ears.until(() => recipes()[0]);
  assert.deepEqual([first.recipe, first.previous], [null, null]);
  await nextBy(null, ears, LANES);
  const { data: apples } = await activate(await released("apples", "1", 5));
  assert.deepEqual([apples.recipe, apples.previous, apples.changed], ["apples-1", "configuration", true]);
  assert.deepEqual([apples.references, apples.model === first.model], [5, true]);
  assert.notEqual(apples.gallery, first.gallery);
  await nextBy("apples-1", ears, LANES);
  const { data: pears } = await activate(await released("pears", "2", 7, await otherModel()));
  assert.deepEqual([pears.recipe, pears.previous, pears.references], ["pears-2", "apples-1", 7]);
  assert.notEqual(pears.model, first.model);
  await nextBy("pears-2", ears, LANES);
  const { data: again } = await ask("activate", { recipe: "pears-2" });
  assert.deepEqual([again.recipe, again.changed], ["pears-2", false]);
  const { data: back } = await ask("rollback");
  assert.deepEqual([back.recipe, back.previous, back.gallery], ["apples-1", "configuration", apples.gallery]);
  await nextBy("apples-1", ears, LANES);
  const own = await ask("rollback");
  assert.deepEqual([own.data.recipe, own.data.previous, own.data.gallery], [null, null, first.gallery]);
  await nextBy(null, ears, LANES);
  // A kept one by its name alone, as a controller changes from one kind of fruit to the other.
  assert.equal((await ask("activate", { recipe: "pears-2" })).data.recipe, "pears-2");
  await nextBy("pears-2", ears, LANES);
  const { verdicts, until } = await endInOrder(daemon, ears, LANES);
  const known = new Set([first, apples, pears].map(by));
  assert.equal(known.size, 3);
  assert.deepEqual(new Set(verdicts.map(by)), known, "no verdict is by a mixture");
  assert.deepEqual(
    wrongs(verdicts, truthOf(config(), 400), ({ gateAt }) => gateAt >= readyAt + FRAME_TO_GATE_US && gateAt <= until),
    [],
  );
  assert.ok(board.states.every(({ state }) => state === "online" || state === "stopped"));
  assert.deepEqual(
    recipes()
      .map(({ recipe }) => recipe)
      .filter((recipe, index, all) => recipe !== all[index - 1]),
    [null, "apples-1", "pears-2", "apples-1", null, "pears-2"],
  );
});

test("the active recipe survives a kill -9 and a restart; what is taught goes into it and is told by a +; its file brings it as it was", {
  skip,
}, async () => {
  const own = await readFile(join(board.folder, "gallery", "gallery.bin"));
  const file = await released("apples", "1", 5);
  const { data: apples } = await activate(file);
  await daemon.kill("SIGKILL");
  await start();
  assert.deepEqual([recipes().at(-1)?.recipe, recipes().at(-1)?.gallery], ["apples-1", apples.gallery]);
  await nextBy("apples-1", ears, LANES);
  const seen = verdictsOf(ears).findLast(({ views }) => views > 0)!;
  const taught = await ask("enroll", { grade: "third", items: [seen.item] });
  assert.equal(taught.status, "ok", taught.error?.message);
  await nextBy("apples-1+", ears, LANES);
  assert.deepEqual(
    await readFile(join(board.folder, "gallery", "gallery.bin")),
    own,
    "the configuration's own is as it was",
  );
  const { gallery } = await readPlaces(configSchema.parse(config()));
  const { references } = (await readAnyGallery(gallery))!.gallery;
  assert.deepEqual([references.length, references.at(-1)!.id, references.at(-1)!.grade], [6, seen.item, "third"]);
  // By its name it is what it was taught to be, by its file what was signed.
  assert.equal((await ask("activate", { recipe: "apples-1" })).data.changed, false);
  const { data: clean } = await activate(file);
  assert.deepEqual(
    [clean.recipe, clean.changed, clean.gallery, clean.previous],
    ["apples-1", true, apples.gallery, "apples-1"],
  );
  assert.equal((await ask("rollback")).data.recipe, "apples-1+");
});

test("a recipe of an unknown key, torn, of a model cut otherwise, of a name that is taken or none at all changes nothing", {
  skip,
}, async () => {
  const good = await released("apples", "1", 5);
  const { data: apples } = await activate(good);
  const bytes = await readFile(good);
  const stranger = await madeKey(board.folder, "stranger.key");
  const alien = join(board.folder, "alien.recipe");
  await releaseMade(join(board.folder, "made-apples-1"), stranger, { name: "apples", version: "9", out: alien });
  const taken = join(board.folder, "taken.recipe");
  await savePicturedGallery(join(board.folder, "gallery-taken"), 4);
  await releaseMade(join(board.folder, "gallery-taken"), key, { name: "apples", version: "1", out: taken });
  const wide = await otherModel((description) => {
    description.crop.margin = 0.2;
  });
  const wider = await released("wider", "1", 4, wide);
  const changed = await readFile(await released("plums", "1", 3));
  changed[changed.indexOf("IDAT") + 9]! ^= 1;
  const refusals: [Buffer, string, RegExp][] = [
    [await readFile(alien), "RECIPE_SIGNATURE", /signed by the key [0-9a-f]{16}, which is not among the trusted ones/],
    [bytes.subarray(0, bytes.length - 700), "RECIPE", /it was cut or added to/],
    [changed, "RECIPE", /crops\/.*\.png was changed: found sha256/],
    [await readFile(taken), "RECIPE", /apples-1 is another recipe here, made/],
    [await readFile(wider), "GALLERY_MODEL", /wants views of 16 px with margin 0\.2 .*, the cameras cut them of 16 px/],
    [bytes, "RECIPE", /holds the recipe [0-9a-f]{16}, not that of its name/],
  ];
  for (const [content, code, message] of refusals) {
    // What lies in the inbox, however it came there, is held against the keys by the daemon itself.
    const digest = content === bytes ? "ab".repeat(32) : digestIn(content);
    await writeFile(join(board.folder, "recipes", "inbox", `${digest}.recipe`), content);
    const { status, error } = await ask("activate", { recipe: digest });
    assert.deepEqual([status, error?.code], ["error", code], error?.message);
    assert.match(error.message, message);
  }
  assert.deepEqual(await readdir(join(board.folder, "recipes", "inbox")), []);
  for (const recipe of ["../apples-1", "a".repeat(64), ""]) {
    const { error } = await ask("activate", { recipe });
    assert.equal(error.code, "RECIPE", recipe);
    assert.match(error.message, /is installed; installed are .*apples-1/);
  }
  const from = verdictsOf(ears).length;
  await nextBy("apples-1", ears, LANES);
  assert.ok(
    verdictsOf(ears)
      .slice(from)
      .every((verdict) => by(verdict) === by(apples)),
  );
  assert.ok(board.states.every(({ state }) => state === "online"));
});

test("a recipe in the shadow is counted and changes no verdict, with a model of its own too; it goes on after a kill -9 and ends when it is activated", {
  skip,
}, async () => {
  const shadows = () => ears.json("board/shadow") as unknown as ShadowMessage[];
  const first = await ears.until(() => recipes()[0]);
  // The very gallery that is graded by: it must say the same of everything.
  const twin = join(board.folder, "twin.recipe");
  await releaseMade(await pictured(join(board.folder, "gallery")), key, { name: "twin", version: "1", out: twin });
  const { data: begun } = await shadowOf(twin);
  assert.deepEqual([begun.shadow?.recipe, begun.shadow?.model], ["twin-1", first.model]);
  const alike = await ears.until(() => shadows().find(({ shadow }) => (shadow?.items ?? 0) >= 6)?.shadow);
  assert.deepEqual([alike!.same, alike!.different, alike!.problem], [alike!.items, 0, null]);

  // Grades that nobody else has: whatever it grades differs.
  const pears = await released("pears", "2", 7, await otherModel());
  const { data: other } = await shadowOf(pears);
  assert.notEqual(other.shadow?.model, first.model);
  const counted = await ears.until(
    () => shadows().find(({ shadow }) => (shadow?.recipe === "pears-2" && shadow.items >= 4) || undefined)?.shadow,
  );
  assert.equal(counted!.items, counted!.same + counted!.different);
  assert.equal(
    counted!.pairs.reduce((sum, { items }) => sum + items, 0),
    counted!.different,
  );
  const named = new Set(verdictsOf(ears).map(({ item }) => item));
  assert.ok(counted!.last.every(({ item }) => named.has(item)));
  const metrics = await (await fetch(new URL("/metrics", page))).text();
  assert.match(metrics, /gradeline_shadow_items_total\{result="same"\} \d+/);
  assert.match((await ask("shadow", { recipe: "pears-2", stop: true })).error.message, /found both recipe and stop/);

  await daemon.kill("SIGKILL");
  await start();
  const again = await ears.until(() =>
    shadows().findLast(({ shadow }) => shadow !== null && shadow.since > counted!.since),
  );
  assert.equal(again.shadow!.recipe, "pears-2");
  assert.ok(
    verdictsOf(ears).every((verdict) => by(verdict) === by(first)),
    "no verdict is by what is in the shadow",
  );
  assert.equal((await ask("activate", { recipe: "pears-2" })).data.recipe, "pears-2");
  const ended = await board.ask<ShadowMessage>("shadow");
  assert.equal(ended.data.shadow, null);
  await ears.until(() => (shadows().at(-1)?.shadow === null ? true : undefined));
  assert.match((await ask("shadow", { recipe: "pears-2" })).error.message, /cannot be its own shadow/);
  assertNumbered(verdictsOf(ears));
});

async function shadowOf(file: string): Promise<Answer<ShadowMessage>> {
  return board.ask<ShadowMessage>("shadow", { recipe: await handedOver(file) });
}

/** The daemon's gallery of a test has no pictures of its items, which a recipe needs. */
async function pictured(gallery: string): Promise<string> {
  const { model } = await loadModel(TINY);
  const { references } = (await readAnyGallery(gallery))!.gallery;
  const writer = await GalleryWriter.open(gallery);
  for (const [item, { id, views }] of references.entries()) {
    await writer.saveCrops(id, madeCrops(item, views, model.sizePx), model.sizePx);
  }
  writer.close();
  return gallery;
}

/** Of the manifest that such a file begins with. */
function digestIn(file: Buffer): string {
  const size = Number.parseInt(file.subarray(124, 135).toString(), 8);
  return createHash("sha256")
    .update(file.subarray(512, 512 + size))
    .digest("hex");
}
