import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ConfigInput } from "../../device/config/schema.ts";
import { loadModel } from "../../device/embed/model.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { Board } from "../support/board.ts";
import { Daemon, type DaemonEnd } from "../support/daemon.ts";
import { TINY, writeTiny } from "../support/embedder-tiny.ts";
import { freePort } from "../support/free-port.ts";
import { galleryOf, madeGallery } from "../support/gallery-made.ts";

let port: number;
let config: ConfigInput;
// A daemon that comes as far as the broker takes its leave there, which would need some seconds without one.
const board = Board.forEachTest("aedes", async () => {
  port = await freePort();
  config = board.line({ more: { console: { port } } });
});

/** Refused with this exit code and text, and with what to do; its port and its journal are free. */
async function refused(daemonConfig: object, code: number, text: RegExp, hint: RegExp): Promise<void> {
  const end = await Daemon.toTheEnd(board.folder, daemonConfig);
  assertRefused(end, code, text, hint);
  assert.ok(await isFree(port), "the page's port");
}

function assertRefused(end: DaemonEnd & { text: string }, code: number, text: RegExp, hint: RegExp): void {
  assert.deepEqual({ code: end.code, signal: end.signal }, { code, signal: null }, end.text);
  assert.match(end.text, text);
  assert.match(end.text, new RegExp(`^hint: .*(${hint.source})`, "m"));
  assert.match(end.text, /^error: /);
  assert.doesNotMatch(end.text, /\n {4}at /, "no place in the sources");
}

function isFree(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(at, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

test("an unknown key in the configuration, and wrong use, end with 2", async () => {
  await refused({ ...config, camera: [] }, 2, /unknown key `camera`, allowed here: .*cameras/, /example\.yaml/);
  assertRefused(await Daemon.toTheEnd(board.folder, config, ["--now"]), 2, /--now/, /--help/);
});

test("a model that is missing, or cut in half, is refused", async () => {
  const models = await mkdtemp(join(board.folder, "models-"));
  await refused({ ...config, model: join(models, "none.json") }, 1, /none\.json/, /model/);
  const model = await writeTiny(models);
  await truncate(join(models, "tiny.onnx"), 190);
  await refused({ ...config, model }, 1, /tiny\.onnx has sha256 .*190 bytes.* wants/, /copy both again/);
});

test("a gallery of another model, or cut in half with none before it, is refused", async () => {
  const gallery = join(board.folder, "gallery");
  await truncate(join(gallery, "gallery.bin"), 200);
  await refused(config, 1, /gallery\.bin is not a whole gallery/, /backup|enroll/);
  await rm(gallery, { recursive: true });
  const writer = await GalleryWriter.open(gallery);
  await writer.save(madeGallery(), "made");
  writer.close();
  await refused(config, 1, /was made by model made abababab.*loaded is tiny [0-9a-f]{16}/, /calibrate rebuild/);
});

test("a gallery whose views were cut otherwise than the model's description says now is refused by --check", async () => {
  const models = await mkdtemp(join(board.folder, "models-"));
  const model = await writeTiny(models, (description) => {
    description.crop.margin = 0.9;
  });
  const end = await Daemon.toTheEnd(board.folder, { ...config, model }, ["--check"]);
  assertRefused(end, 1, /were cut with margin 0\.06 on grey 118, .* wants margin 0\.9 on grey 118/, /enroll the fruit/);
});

test("a gallery that is missing or empty is none to refuse: --check warns that everything is unknown, with the command", async () => {
  const gallery = join(board.folder, "gallery");
  await rm(gallery, { recursive: true });
  const missing = await Daemon.toTheEnd(board.folder, config, ["--check"]);
  assert.equal(missing.code, 0);
  assert.match(missing.text, /^warning: nothing is enrolled.*gradeline-calibrate enroll GRADE --lane belt --count/);
  const { model } = await loadModel(TINY);
  const writer = await GalleryWriter.open(gallery);
  await writer.save({ ...galleryOf([], model), grades: ["sound"] }, "tiny");
  writer.close();
  const empty = await Daemon.toTheEnd(board.folder, config, ["--check"]);
  assert.deepEqual([empty.code, empty.text], [0, missing.text]);
});

test("a replay of an empty folder, one that is not there, or of torn images alone degrades its camera with the reason", async () => {
  const images = join(board.folder, "images");
  const replay = {
    ...config,
    cameras: config.cameras.map((camera) =>
      camera.id === "belt" ? { id: "belt", source: { kind: "replay", path: images } } : camera,
    ),
  };
  const degraded = async (reason: RegExp, hint: RegExp): Promise<void> => {
    const daemon = await board.start(replay);
    const told = await board.ears.until(() =>
      board.states.find(({ reasons }) => reasons.some((each) => each.startsWith("camera belt") && reason.test(each))),
    );
    assert.equal(told.state, "degraded");
    assert.ok(
      told.causes.some((cause) => reason.test(cause.message) && hint.test(cause.hint ?? "")),
      JSON.stringify(told.causes),
    );
    assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  };
  await degraded(/there is no folder .*images/, /`path`/);
  await mkdir(images);
  await degraded(/no image in .*images/, /JPEG/);
  await writeFile(join(images, "1.png"), "");
  await degraded(/1\.png/, /./);
});

test("a second daemon on the same journal, and one whose page's port is in use, are refused; the first goes on", async () => {
  const first = await board.start(config);
  const url = await first.ready();
  const other = join(board.folder, "other");
  await mkdir(other);
  const second = await Daemon.toTheEnd(other, { ...config, console: { port: 0 } });
  assertRefused(second, 1, /journal\.sqlite is in use by another daemon/, /stop the other one/);
  const third = await Daemon.toTheEnd(other, { ...config, journal: { path: join(other, "journal.sqlite") } });
  assertRefused(third, 2, new RegExp(`console.port ${port} on 127.0.0.1 is in use`), /another daemon|choose another/);
  assert.equal((await fetch(new URL("/healthz", url))).status, 200);
  assert.deepEqual(await first.kill("SIGTERM"), { code: 0, signal: null });
  assert.ok(await isFree(port));
});

test("a daemon that was refused leaves the journal to the next one, and --check opens neither port nor journal", async () => {
  const taken: Server = createServer();
  await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
  const end = await Daemon.toTheEnd(board.folder, config);
  assertRefused(end, 2, /is in use/, /port/);
  const checked = await Daemon.toTheEnd(board.folder, config, ["--check"]);
  assert.deepEqual([checked.code, checked.text], [0, ""]);
  await new Promise((resolve) => taken.close(resolve));
  const next = await board.start(config);
  await next.ready();
});

test("a gallery cut in half is passed over for the one before it, which the daemon says", async () => {
  const gallery = join(board.folder, "gallery");
  await copyFile(join(gallery, "gallery.bin"), join(gallery, "gallery.previous.bin"));
  await truncate(join(gallery, "gallery.bin"), 200);
  const checked = await Daemon.toTheEnd(board.folder, config, ["--check"]);
  assert.equal(checked.code, 0);
  assert.match(checked.text, /^warning: .*gallery\.bin is not a whole gallery.*the one before it is used/);
  const daemon = await board.start(config);
  await daemon.until(({ level, msg }) => level === "warn" && /the one before it is used/.test(msg));
});
