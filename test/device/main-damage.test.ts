import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Board } from "../support/board.ts";
import { Daemon } from "../support/daemon.ts";

const board = Board.forEachTest("aedes");
const LEFT = "0123456789ab.tmp";

test("files of its own that are damaged or half written do not keep the daemon from starting: set aside, and told", async () => {
  const inside = (...names: string[]): string => join(board.folder, ...names);
  for (const name of ["queue", "recipes"]) await mkdir(inside(name));
  await writeFile(inside("recipes", "state.json"), "\0".repeat(100));
  await writeFile(inside("drift.json"), '{"v":1,');
  await writeFile(inside("queue", "a-1.json"), "{}");
  await writeFile(inside("queue", "a-1.png"), "no picture");
  const left = [
    inside(`drift.json.${LEFT}`),
    inside("recipes", `state.json.${LEFT}`),
    inside("queue", `a-2.png.${LEFT}`),
    inside("gallery", `gallery.bin.${LEFT}`),
    inside("gallery", "crops", `a.png.${LEFT}`),
  ];
  for (const path of left) await writeFile(path, "half");
  const daemon = await board.started(board.line());
  const { causes } = await board.ears.until(() =>
    board.states.find((state) => state.causes.some(({ code }) => code === "file-damaged")),
  );
  const { message } = causes.find(({ code }) => code === "file-damaged")!;
  for (const what of ["recipes/state.json", "drift.json", "damaged unknown items"]) {
    assert.ok(message.includes(what), `${what} in ${message}`);
  }
  const there = (await readdir(board.folder, { recursive: true })).sort();
  assert.deepEqual(
    there.filter((name) => name.endsWith(".tmp")),
    [],
  );
  const aside = there.filter((name) => /damaged/.test(name)).map((name) => name.replace(/-20.*Z/, "-TIME"));
  assert.deepEqual(aside, [
    "drift.json.damaged-TIME",
    "queue/damaged",
    "queue/damaged/a-1.json",
    "queue/damaged/a-1.png",
    "recipes/state.json.damaged-TIME",
  ]);
  await board.ears.until(() => board.ears.on("/verdict").length > 0 || undefined);
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
});

test("--check says that the recipes' state is damaged, and changes nothing", async () => {
  const recipes = join(board.folder, "recipes");
  await mkdir(recipes);
  await writeFile(join(recipes, "state.json"), "{");
  const end = await Daemon.toTheEnd(board.folder, board.line(), ["--check"]);
  assert.equal(end.code, 1);
  assert.match(end.text, /state\.json is damaged/);
  assert.deepEqual(await readdir(recipes), ["state.json"]);
});
