import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GalleryWriter, readAnyGallery } from "../../device/gallery/store.ts";
import { TINY } from "../support/embedder-tiny.ts";
import { paintFolders, type Ran, runProgram } from "../support/gallery-photos.ts";
import { seededRandom } from "../support/random.ts";
import { madeKey } from "../support/recipe-made.ts";

const ROUNDS = 3;
const ITEMS = 6;
const MORE_ITEMS = 30;

let folder: string;
let photos: string;
let key: string;
/** A gallery with something in it; each run gets a copy. */
let enrolled: string;
const random = seededRandom(5);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-stop-"));
  photos = join(folder, "photos");
  enrolled = join(folder, "enrolled");
  key = (await madeKey(folder)).path;
  await paintFolders(photos, { sound: ITEMS, reject: ITEMS });
  await paintFolders(join(folder, "more"), { second: MORE_ITEMS });
  for (const grade of ["sound", "reject"]) {
    const { status, stderr } = await runProgram("calibrate/main.ts", args("enroll", grade, join(photos, grade)));
    assert.equal(status, 0, stderr);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

function args(...words: string[]): string[] {
  return [...words, "--gallery", enrolled, "--model", TINY];
}

/** Runs a command and presses Ctrl-C after some time; a status of -1 is the end that the signal itself brings. */
function stopped(words: readonly string[], afterMs: number): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "compiled") };
    const child = execFile(process.execPath, ["calibrate/main.ts", ...words], { env }, (_, stdout, stderr) => {
      clearTimeout(timer);
      resolve({ status: child.exitCode ?? -1, stdout, stderr });
    });
    const timer = setTimeout(() => child.kill("SIGINT"), afterMs);
  });
}

async function bytesOf(gallery: string): Promise<string> {
  return await readFile(join(gallery, "gallery.bin"), "hex");
}

/** The gallery is whole, its views are there, nothing half-written lies about and nobody holds the lock. */
async function whole(gallery: string): Promise<number> {
  const stored = (await readAnyGallery(gallery))!;
  assert.equal(stored.warning, undefined);
  const writer = await GalleryWriter.open(gallery);
  const { references, sizePx } = stored.gallery;
  for (const { id, views } of references) assert.equal((await writer.readCrops(id, sizePx)).length, views);
  writer.close();
  const left = (await readdir(gallery, { recursive: true })).filter((name) => name.endsWith(".tmp"));
  assert.deepEqual(left, []);
  return references.length;
}

const commands: readonly {
  name: string;
  words: (own: string) => string[];
  output?: string;
  items?: number;
}[] = [
  { name: "enroll", words: () => ["enroll", "second", join(folder, "more", "second")], items: 2 * ITEMS + MORE_ITEMS },
  { name: "evaluate", words: (own) => ["evaluate", photos, "--html", join(own, "out.html")], output: "out.html" },
  { name: "fit", words: () => ["fit"] },
  { name: "rebuild", words: () => ["rebuild"] },
  { name: "map", words: (own) => ["map", "--out", join(own, "out.html")], output: "out.html" },
  {
    name: "release",
    words: (own) => ["release", "apples", "3", "--key", key, "--out", join(own, "out.recipe")],
    output: "out.recipe",
  },
  { name: "audit", words: (own) => ["audit", "--html", join(own, "out.html")], output: "out.html" },
];

describe("Ctrl-C at any moment", { concurrency: 3 }, () => {
  for (const { name, words, output, items = 2 * ITEMS } of commands) {
    test(`${name} leaves the gallery as it was or as it was to be, says which, and half writes nothing`, async (context) => {
      let durationMs = Number.POSITIVE_INFINITY;
      const ends: number[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const own = await mkdtemp(join(folder, `${name}-`));
        const gallery = join(own, "gallery");
        await cp(enrolled, gallery, { recursive: true });
        const before = await bytesOf(gallery);
        const line = [...words(own), "--gallery", gallery, ...(name === "audit" ? [] : ["--model", TINY])];
        const from = performance.now();
        // The first is let run, to know how long it takes.
        const { status, stdout, stderr } = await stopped(
          line,
          round === 0 ? 2 ** 30 : durationMs * (0.25 + 0.7 * random()),
        );
        if (round === 0) assert.equal(status, 0, stderr);
        // Those after the first find it compiled, and are sooner done.
        if (status === 0) durationMs = Math.min(durationMs, performance.now() - from);
        ends.push(status);
        const count = await whole(gallery);
        if (status === 130) {
          if (/^enrolled /m.test(stdout)) assert.equal(count, items, "what was said to be enrolled is");
          else {
            assert.equal(stderr, "stopped; the gallery is as it was\n");
            assert.equal(await bytesOf(gallery), before);
          }
        } else if (status === -1) {
          // Before the command listens to signals, or after it has said what it did and listens no more.
          if (stdout === "") assert.equal(await bytesOf(gallery), before);
          else assert.equal(count, items);
        } else {
          assert.deepEqual([status, count], [0, items], stderr);
        }
        if (output !== undefined) {
          const text = await readFile(join(own, output), "latin1").catch(() => undefined);
          // A recipe, too, ends in a way of its own.
          if (text !== undefined) assert.match(text, /(<\/html>\n|\0{1024})$/);
          assert.deepEqual(
            (await readdir(own)).filter((file) => file.endsWith(".tmp")),
            [],
          );
        }
      }
      context.diagnostic(`${name}, ${durationMs.toFixed(0)} ms: ended with ${ends.join(", ")}`);
    });
  }
});
