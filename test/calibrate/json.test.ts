import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Journal } from "../../device/publish/journal.ts";
import { CalibrateFolder } from "../support/calibrate-cli.ts";
import { TINY } from "../support/embedder-tiny.ts";
import { paintFolders } from "../support/gallery-photos.ts";
import { draft, journalConfig } from "../support/verdicts.ts";

interface RanLine {
  readonly words: readonly string[];
  readonly code: number;
  readonly out: string;
}

let own: CalibrateFolder;
let lines: string[][];
let asking: string[];

before(async () => {
  own = await CalibrateFolder.make("json");
  const at = (name: string): string => join(own.path, name);
  await paintFolders(at("photos"), { sound: 3, reject: 3 });
  const journal = await Journal.open(journalConfig({ path: at("journal.sqlite") }));
  await journal.append(draft("a", 1));
  await journal.close();
  // Nobody listens on its broker's port: what asks the daemon fails.
  const config = at("gradeline.yaml");
  const source = { kind: "replay", path: at("photos/sound/item-0"), pace: "fast" };
  const daemon = {
    device: "board",
    cameras: [{ id: "north", source }],
    lanes: [{ id: "a", camera: "north", mmPerPx: 1, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: 800 } }],
    mqtt: { url: "mqtt://127.0.0.1:1" },
    ...{ journal: { path: at("journal.sqlite") }, gallery: at("gallery"), model: TINY },
    console: { enabled: false },
  };
  writeFileSync(config, JSON.stringify(daemon));
  const gallery = ["--gallery", at("gallery"), "--model", TINY];
  asking = ["--config", config];
  const still = `{kind: replay, pace: fast, path: ${at("photos/sound/item-0")}}`;
  lines = [
    ["enroll", "sound", at("photos/sound"), ...gallery],
    ["enroll", "reject", at("photos/reject"), ...gallery],
    ["list", ...gallery],
    ["show", "????", ...gallery],
    ["remove", "????", ...gallery],
    ["relabel", "????", "sound", ...gallery],
    ["undo", ...gallery],
    ["undo", "--redo", ...gallery],
    ["rebuild", ...gallery],
    ["grades", "list", ...gallery],
    ["grades", "order", "sound", "reject", ...gallery],
    ["grades", "rename", "reject", "cull", ...gallery],
    ["grades", "tolerance", "sound", "5", ...gallery],
    ["grades", "remove", "sound", ...gallery],
    ["audit", ...gallery],
    ["fit", "--dry-run", ...gallery],
    ["map", "--out", at("map.html"), ...gallery],
    ["evaluate", at("photos"), "--model", TINY],
    ["release", "key", "--out", at("release.key")],
    ["release", "make", "apples", "3", "--key", at("release.key"), "--out", at("a.recipe"), ...gallery],
    ["release", "show", at("a.recipe")],
    ["still", at("stills"), "--source", still],
    ["record", at("rec"), "--source", still, "--frames", "2"],
    ["verdicts", ...asking],
    ["queue", "list", ...asking],
    ["queue", "answer", "a-1", "sound", ...asking],
    ["queue", "dismiss", "a-1", ...asking],
    ["watch", ...asking],
    ["repeat", "--lane", "a", "--count", "2", ...asking],
    ["lot", "set", "4711", ...asking],
    ["lot", "end", ...asking],
    ["lot", "show", ...asking],
    ["recipes", ...asking],
    ["activate", at("a.recipe"), "--offline", ...asking],
    ["rollback", "--offline", ...asking],
    ["shadow", ...asking],
    ["setup", "--yes", "--camera", "simulated", "--config", at("new.yaml"), "--broker", "mqtt://127.0.0.1:1"],
    ["doctor", ...asking],
    ["engine", ...gallery],
    ["config", "explain", "mmPerPx"],
    // Wrong use of any command, and of none.
    ["list", "--gallry", "x"],
    ["nope"],
    ["watch"],
  ].map((words) => [...words, "--json"]);
});
after(() => own.close());

function run(words: readonly (readonly string[])[]): unknown {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["test/support/json-child.ts"], {
    input: JSON.stringify(words),
    encoding: "utf8",
    cwd: process.cwd(),
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test("with --json every command writes one JSON object to standard output, and nothing else, also where it fails", () => {
  const all = run([]) as string[];
  const isTried = (name: string): boolean => lines.some((words) => words.join(" ").startsWith(`${name} `));
  // One that is new here is asked at least for something.
  const others = all.filter((name) => !isTried(name)).map((name) => [...name.split(" "), ...asking, "--json"]);
  const ended = { done: 0, failed: 0 };
  for (const { words, code, out } of run([...lines, ...others]) as RanLine[]) {
    const line = words.join(" ");
    assert.match(out, /^\{.*\}\n$/, `${line}: ${out.slice(0, 300)}`);
    const told = JSON.parse(out);
    if ("error" in told) {
      assert.ok(code === 1 || code === 2, `${line}: exit code ${code}`);
      assert.deepEqual(Object.keys(told.error), ["code", "message", "hint"], line);
      ended.failed++;
    } else {
      ended.done++;
    }
  }
  assert.ok(ended.done >= 20, JSON.stringify(ended));
});

test("with --json every bench writes one JSON object", () => {
  const args = ["test/bench/main.ts", "follow", "--scenes", "no scene is called so", "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.match(stdout, /^\{.*\}\n$/, stderr);
  // One place writes for all of them.
  const writers = readdirSync("test/bench").filter(
    (name) => name.endsWith(".ts") && /process\.stdout|console\.log/.test(readFileSync(`test/bench/${name}`, "utf8")),
  );
  assert.deepEqual(writers, ["embed.ts", "main.ts"]);
});
