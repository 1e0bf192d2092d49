import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createLog } from "../../../../device/base/log.ts";
import { formatMicros } from "../../../../device/base/time.ts";
import { configSchema } from "../../../../device/config/schema.ts";
import type { Reference } from "../../../../device/grade/gallery.ts";
import { seenBy } from "../../../../device/grade/gallery-cameras.ts";
import type { Recipe } from "../../../../device/recipes/load.ts";
import { Drift } from "../../../../device/teach/drift/drift.ts";
import type { SeenItem } from "../../../../device/teach/enrollable.ts";
import { direction, galleryOf, MADE_MODEL, referenceOf } from "../../../support/gallery-made.ts";
import { seededNormal } from "../../../support/random.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { draft, STORED } from "../../../support/verdicts.ts";

const SIZE = 24;
const MODEL = { ...MADE_MODEL, sizePx: SIZE };
const AREA = { x: 0, y: 0, w: 800, h: 100 };
const VIEWS = 4;
const [TOP, LEFT] = [0, 1];

function configOf(folder: string) {
  return configSchema.parse({
    device: "x",
    gallery: "g",
    journal: { path: join(folder, "journal.sqlite") },
    drift: { baselineItems: 80 },
    cameras: ["top", "left"].map((id) => ({ id, source: { kind: "line" } })),
    lanes: [
      {
        id: "a",
        mmPerPx: 1,
        gateMm: 1,
        cameras: [{ camera: "top" }, { camera: "left" }],
        conveyor: { kind: "belt", speedMmPerS: 1 },
      },
    ],
  });
}

/** References of one kind around direction 0. */
function taught(cameras: readonly string[]): Reference[] {
  return Array.from({ length: 12 }, (_, i) => ({
    ...referenceOf(`item-${i}`, "sound", [[...direction(2 * (i - 6)), 0, 0, 0, 0]]),
    ...seenBy(cameras),
  }));
}

class Line {
  readonly drift: Drift;
  readonly #normal = seededNormal(3);
  #items = 0;

  constructor(drift: Drift) {
    this.drift = drift;
  }

  /** So many fruit pass; of each camera the share of the usual light and the direction of what it sees. */
  pass(count: number, light: readonly number[], degrees: readonly number[]): void {
    for (let i = 0; i < count; i++) {
      for (const index of [TOP, LEFT]) {
        const level = 90 * light[index]! + 0.2 * this.#normal();
        this.drift.scene("a", index, { r: level, g: level, b: level }, AREA);
      }
      this.drift.seen(this.#item(light, degrees));
    }
  }

  #item(light: readonly number[], degrees: readonly number[]): SeenItem {
    const from = [TOP, LEFT].flatMap((index) => Array.from({ length: VIEWS }, () => index));
    const own = 2 ** (0.2 * this.#normal());
    const crops = from.map((index) => this.#paint(own * light[index]!));
    const boxes = from.map((_, i) => ({ x: 100 * i, y: 10, w: 60, h: 60 }));
    const embeddings = new Float32Array(from.length * MODEL.dimension);
    for (const [i, index] of from.entries()) {
      embeddings.set(direction(degrees[index]! + 6 * this.#normal()), i * MODEL.dimension);
    }
    const at = 1_790_000_000_000_000 + this.#items++ * 200_000;
    const verdict = {
      ...draft("a", 1),
      ...STORED,
      seq: 1,
      model: MODEL.hash.slice(0, 16),
      exposedAt: formatMicros(at),
    };
    return { verdict, decided: { crops, boxes, from, embeddings, embedded: from.length } as never };
  }

  #paint(light: number): Uint8Array {
    const crop = new Uint8Array(SIZE * SIZE * 3).fill(MODEL.cropFill);
    for (let p = 0; p < SIZE * SIZE; p++) {
      if (((p % SIZE) - 12) ** 2 + (Math.floor(p / SIZE) - 12) ** 2 > 100) continue;
      const texture = light * (1 + 0.05 * this.#normal());
      for (const [c, value] of [120, 60, 50].entries()) crop[3 * p + c] = Math.min(255, value * texture);
    }
    return crop;
  }
}

async function open(folder: string, cameras: readonly string[]): Promise<Line> {
  const gallery = galleryOf(taught(cameras), MODEL);
  const recipe = { gallery, galleryHash: "one" } as unknown as Recipe;
  const drift = await Drift.open({
    config: configOf(folder),
    model: () => MODEL,
    log: createLog("silent"),
    recipe: () => recipe,
    changed: () => {},
  });
  return new Line(drift);
}

test("of two cameras of a lane the one whose light changes is named, also after a restart", async (t) => {
  const folder = await temporaryFolder(t);
  const line = await open(folder, ["top", "left"]);
  line.pass(100, [1, 1], [0, 0]);
  assert.deepEqual(line.drift.findings("a"), []);
  line.pass(60, [1, 0.8], [0, 0]);
  const found = line.drift.findings("a");
  assert.deepEqual(
    found.map(({ kind, camera }) => [kind, camera]),
    [["light", "left"]],
  );
  assert.match(found[0]!.text, /^camera left: the light has changed/);
  assert.deepEqual(
    line.drift.message("a").findings.map(({ camera }) => camera),
    ["left"],
  );
  await line.drift.close();
  const again = await open(folder, ["top", "left"]);
  assert.deepEqual(again.drift.findings("a"), found);
  await again.drift.close();
});

test("a camera that taught the gallery nothing and looks different is told, with who taught it", async (t) => {
  const line = await open(await temporaryFolder(t), ["top"]);
  line.pass(100, [1, 1], [0, 60]);
  const found = line.drift.findings("a");
  assert.deepEqual(
    found.map(({ kind, camera }) => [kind, camera]),
    [["unlike", "left"]],
  );
  assert.match(found[0]!.text, /it has taught nothing, the references are of top$/);
  await line.drift.close();
});
