import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatMicros } from "../../../../device/base/time.ts";
import type { Verdict } from "../../../../device/contract/messages.ts";
import type { DecidedItem } from "../../../../device/recipes/decided-item.ts";
import { appearanceOf } from "../../../../device/teach/drift/appearance.ts";
import { LaneDrift } from "../../../../device/teach/drift/lane-drift.ts";
import { measure } from "../../../../device/teach/drift/measure.ts";
import { driftReferences } from "../../../../device/teach/drift/references.ts";
import { sceneOf } from "../../../../device/vision/scene.ts";
import { galleryOf, MADE_MODEL, referenceOf } from "../../../support/gallery-made.ts";
import { seededNormal } from "../../../support/random.ts";
import { draft, STORED } from "../../../support/verdicts.ts";

const SIZE = 24;
const FILL = 118;
const AREA = { x: 0, y: 0, w: 800, h: 100 };
const VIEWS = 8;

interface Passing {
  /** Share of the usual light. */
  readonly light?: number;
  /** Share of the light that dirt leaves in the middle of the frame. */
  readonly dirt?: number;
  /** Colour of the fruit. */
  readonly colour?: readonly [number, number, number];
  /** Direction of its identity, degrees. */
  readonly kind?: number;
}

const RED = [170, 60, 50] as const;

/** References of one kind around direction 0, in two of the made model's dimensions. */
const references = driftReferences(
  galleryOf(
    Array.from({ length: 12 }, (_, item) => {
      const degrees = (item - 6) * 2;
      const row = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180), 0, 0, 0, 0];
      return referenceOf(`item-${item}`, "sound", [row]);
    }),
  ),
  undefined,
);

/** Fruit of a line, each another in brightness and colour. */
class Line {
  readonly #normal: () => number;
  #items = 0;

  constructor(seed: number) {
    this.#normal = seededNormal(seed);
  }

  next({ light = 1, dirt = 1, colour = RED, kind = 0 }: Passing = {}) {
    const own = 2 ** (0.25 * this.#normal());
    const degrees = kind + 6 * this.#normal();
    const crops: Uint8Array[] = [];
    const boxes = [];
    const embeddings = new Float32Array(VIEWS * MADE_MODEL.dimension);
    for (let view = 0; view < VIEWS; view++) {
      const x = 100 * view + 20;
      const here = light * own * (view === 4 ? dirt : 1) * 2 ** (0.05 * this.#normal());
      crops.push(paint(colour, here, this.#normal));
      boxes.push({ x, y: 10, w: 60, h: 60 });
      embeddings[view * MADE_MODEL.dimension] = Math.cos((degrees * Math.PI) / 180);
      embeddings[view * MADE_MODEL.dimension + 1] = Math.sin((degrees * Math.PI) / 180);
    }
    const at = 1_790_000_000_000_000 + this.#items++ * 200_000;
    const verdict: Verdict = { ...draft("a", 1), ...STORED, seq: 1, exposedAt: formatMicros(at) };
    const decided = { crops, boxes, embeddings, embedded: VIEWS } as unknown as DecidedItem;
    const level = 90 * light + 0.2 * this.#normal();
    return measure(
      { verdict, decided },
      { sizePx: SIZE, fill: FILL, area: AREA },
      { r: level, g: level, b: 1.1 * level },
      references,
    )!;
  }
}

/** A disc of one colour with a little texture. */
function paint([r, g, b]: readonly [number, number, number], light: number, normal: () => number): Uint8Array {
  const crop = new Uint8Array(SIZE * SIZE * 3).fill(FILL);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      if ((x - SIZE / 2) ** 2 + (y - SIZE / 2) ** 2 > (SIZE / 2 - 2) ** 2) continue;
      const texture = light * (1 + 0.05 * normal());
      const p = (y * SIZE + x) * 3;
      for (const [c, value] of [r, g, b].entries()) crop[p + c] = Math.min(255, value * texture);
    }
  }
  return crop;
}

/** Blocks of two items. */
function learnt(line: Line): LaneDrift {
  const drift = new LaneDrift(80, undefined, "one");
  for (let item = 0; item < 80; item++) drift.add(line.next());
  return drift;
}

function kinds(drift: LaneDrift): string[] {
  return drift
    .findings(references.identity === undefined ? undefined : { identity: references.identity })
    .map(({ kind }) => kind);
}

describe("drift of a lane", () => {
  test("is none where nothing changes, over 1,200 fruit", () => {
    const line = new Line(1);
    const drift = learnt(line);
    assert.equal(drift.learned, 1);
    for (let item = 0; item < 1200; item++) {
      drift.add(line.next());
      assert.deepEqual(kinds(drift), [], `item ${item}`);
    }
  });

  test("a lamp that loses 15 % is the light, with the time and the amount, and it is over when it is back", () => {
    const line = new Line(2);
    const drift = learnt(line);
    for (let item = 0; item < 100; item++) drift.add(line.next());
    for (let item = 0; item < 200; item++) drift.add(line.next({ light: 0.85 }));
    const [light] = drift.findings(undefined);
    assert.deepEqual(kinds(drift), ["light"]);
    assert.equal(light!.since, 1_790_000_000_000_000 + 180 * 200_000);
    assert.match(light!.text, /belt 15 % darker/);
    assert.match(light!.text, /fruit 1\d % darker|on the fruit it does not show yet/);
    for (let item = 0; item < 200; item++) drift.add(line.next());
    assert.deepEqual(kinds(drift), []);
  });

  test("dirt that darkens one place is dirt at that place, whatever fruit passes", () => {
    const line = new Line(3);
    const drift = learnt(line);
    for (let item = 0; item < 200; item++) drift.add(line.next({ dirt: 0.85 }));
    const [dirt] = drift.findings(undefined);
    assert.deepEqual(kinds(drift), ["dirt"]);
    assert.match(dirt!.text, /wherever they pass 50 to 63 % of the frame.*clean the lens/);
  });

  test("fruit of another kind under the same light are a new variety", () => {
    const line = new Line(4);
    const drift = learnt(line);
    for (let item = 0; item < 150; item++) drift.add(line.next({ kind: 50, colour: [150, 150, 60] }));
    const [variety] = drift.findings(undefined);
    assert.deepEqual(kinds(drift), ["variety"]);
    assert.match(variety!.text, /farther from the references.*greener.*enroll some/);
    const mixed = new Line(5);
    const half = learnt(mixed);
    for (let item = 0; item < 150; item++) half.add(mixed.next(item % 2 === 0 ? {} : { kind: 50 }));
    assert.deepEqual(kinds(half), ["variety"], "half of them, of the same colour");
  });

  test("a line that never looked like the references is told so, and no longer when those of the line are enrolled", () => {
    const line = new Line(6);
    const drift = new LaneDrift(80, undefined, "one");
    for (let item = 0; item < 80; item++) drift.add(line.next({ kind: 60 }));
    assert.deepEqual(kinds(drift), ["unlike"]);
    drift.taught("two");
    assert.deepEqual(kinds(drift), []);
    const light = drift.status().find(({ signal }) => signal === "sceneBrightness")!;
    assert.ok(light.baseline !== null, "the light is known still");
    assert.equal(drift.status().find(({ signal }) => signal === "identity")!.baseline, null);
  });

  test("goes on from what was kept, in bounded space", () => {
    const line = new Line(7);
    const drift = learnt(line);
    for (let item = 0; item < 200; item++) drift.add(line.next({ light: 0.8 }));
    const text = JSON.stringify(drift.state());
    const again = new LaneDrift(80, JSON.parse(text), "one");
    assert.deepEqual(again.findings(undefined), drift.findings(undefined));
    assert.ok(text.length < 40_000, `${text.length} bytes`);
    const { hours, days } = again.state();
    assert.equal(
      days.reduce((sum, { items }) => sum + items, 0),
      280,
    );
    assert.ok(Math.abs(hours[0]!.means.sceneBrightness! - Math.log2(90)) < 0.4);
  });
});

describe("what is measured", () => {
  test("the scene is the median, which fruit do not move", () => {
    const [widthPx, heightPx] = [240, 120];
    const data = new Uint8Array(widthPx * heightPx * 3).fill(70);
    for (let y = 20; y < 100; y++) data.fill(200, (y * widthPx + 60) * 3, (y * widthPx + 140) * 3);
    for (const level of Object.values(sceneOf(data, widthPx, { x: 0, y: 0, w: widthPx, h: heightPx }))) {
      assert.ok(Math.abs(level - 70) <= 0.5);
    }
  });

  test("half the light is one step of brightness and no other colour; a blur is less sharp; a sliver says nothing", () => {
    const normal = seededNormal(8);
    const bright = appearanceOf(paint(RED, 1, normal), SIZE, FILL)!;
    const dark = appearanceOf(paint(RED, 0.5, normal), SIZE, FILL)!;
    assert.ok(Math.abs(bright.brightness - dark.brightness - 1) < 0.05);
    assert.ok(Math.abs(bright.warmth - dark.warmth) < 0.1 && Math.abs(bright.tint - dark.tint) < 0.1);
    const smooth = appearanceOf(
      paint(RED, 1, () => 0),
      SIZE,
      FILL,
    )!;
    assert.ok(smooth.sharpness < bright.sharpness - 1);
    assert.equal(appearanceOf(new Uint8Array(SIZE * SIZE * 3).fill(FILL), SIZE, FILL), undefined);
  });
});

test("of a lane of several cameras each one's views tell of its own light", () => {
  const bright = new Uint8Array(SIZE * SIZE * 3).fill(250);
  const dim = paint(RED, 0.5, () => 0);
  const box = { x: 20, y: 10, w: 60, h: 60 };
  const verdict: Verdict = { ...draft("a", 1), ...STORED, seq: 1 };
  const brightness = (crops: Uint8Array[], from?: number[], camera?: number) => {
    const decided = { crops, boxes: crops.map(() => box), from, embeddings: new Float32Array(0), embedded: 0 };
    const shape = { sizePx: SIZE, fill: FILL, area: AREA, ...(camera === undefined ? {} : { camera }) };
    return measure({ verdict, decided: decided as unknown as DecidedItem }, shape, undefined, undefined)?.values
      .brightness;
  };
  assert.notEqual(brightness([dim, bright]), brightness([dim]));
  assert.equal(brightness([dim, bright], [0, 1], 0), brightness([dim]));
  assert.equal(brightness([dim, bright], [0, 1], 1), brightness([bright]));
  assert.equal(brightness([dim, bright], [1, 1], 0), undefined);
});
