import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lineSchema } from "../../../device/config/schema.ts";
import { attitude, drawRoll, facing } from "../../../device/simulation/body.ts";
import type { Canvas } from "../../../device/simulation/canvas.ts";
import { catalogue } from "../../../device/simulation/catalogue.ts";
import { drawBody } from "../../../device/simulation/draw-body.ts";
import type { Fruit } from "../../../device/simulation/items.ts";
import { Random } from "../../../device/simulation/random.ts";
import { apply, type Vector } from "../../../device/simulation/rotation.ts";
import { SensorNoise } from "../../../device/simulation/sensor.ts";
import { SkinPainter } from "../../../device/simulation/skin.ts";
import { MAP_TEXELS, makeSphereNoise } from "../../../device/simulation/sphere.ts";
import { LineWorld } from "../../../device/simulation/world.ts";

const sphere = makeSphereNoise();
const noise = new SensorNoise(1);
const SIDE = 160;

function emptyCanvas(): Canvas {
  return {
    widthPx: SIDE,
    heightPx: SIDE,
    data: new Uint8ClampedArray(SIDE * SIDE * 3),
    lamp: { columns: new Float32Array(SIDE).fill(1), rows: new Float32Array(SIDE).fill(1) },
    gain: 1,
    noise,
    k: 0,
    blurPx: 0,
  };
}

function texelDistance(a: number, b: number): number {
  return Math.hypot((a & 255) - (b & 255), ((a >> 8) & 255) - ((b >> 8) & 255), ((a >> 16) & 255) - ((b >> 16) & 255));
}

function fruit(more: Partial<Fruit>): Fruit {
  const roll = drawRoll(new Random(1), 742, 1 / 36, true);
  return {
    seed: 1,
    grade: "sound",
    kind: "golden",
    radiusMm: 36,
    halfHeightMm: 34,
    lateralMm: 0,
    roll,
    variety: catalogue.varieties.golden,
    faults: [],
    sequence: undefined,
    ...more,
  };
}

describe("the skin of a simulated fruit", () => {
  test("is the same whether it is painted at once or in steps", () => {
    const item = fruit({ kind: "gala", variety: catalogue.varieties.gala });
    const whole = new SkinPainter(item, item.variety!, sphere).finish();
    const stepped = new SkinPainter(item, item.variety!, sphere);
    for (let i = 0; i < 5; i++) stepped.advance(1234);
    assert.deepEqual(stepped.finish(), whole);
  });

  test("shows every fault: a faulty fruit differs clearly from the same fruit without it", () => {
    const config = lineSchema.parse({ kind: "line", lanes: 2, strangers: 0, seed: 9 });
    const world = new LineWorld(config);
    let faulty = 0;
    for (let index = 0; faulty < 60; index++) {
      const item = world.placed(0, index)!.fruit;
      if (item.faults.length === 0) continue;
      faulty++;
      const bad = new SkinPainter(item, item.variety!, sphere).finish();
      const good = new SkinPainter({ ...item, faults: [] }, item.variety!, sphere).finish();
      let clear = 0;
      for (let i = 0; i < MAP_TEXELS; i++) if (texelDistance(bad[i]!, good[i]!) > 25) clear++;
      assert.ok(clear > 30, `${item.kind} ${index} shows its ${item.faults[0]!.name} in ${clear} texels`);
    }
  });

  for (const [name, variety] of Object.entries({ ...catalogue.varieties, ...catalogue.strangers })) {
    test(`of a ${name} has about its colours`, () => {
      const skin = new SkinPainter(fruit({ variety }), variety, sphere).finish();
      const mean = [0, 8, 16].map(
        (shift) => skin.reduce((sum, texel) => sum + ((texel >> shift) & 255), 0) / MAP_TEXELS,
      );
      for (let c = 0; c < 3; c++) {
        const low = Math.min(variety.base[c]!, variety.blush[c]!) - 45;
        const high = Math.max(variety.base[c]!, variety.blush[c]!) + 45;
        assert.ok(mean[c]! > low && mean[c]! < high, `${name} channel ${c} has a mean of ${mean[c]}`);
      }
    });
  }
});

describe("drawing a simulated fruit", () => {
  test("covers the area of its outline", () => {
    for (const [radius, half] of [
      [60, 60],
      [60, 48],
      [40, 56],
    ] as const) {
      // The stem axis across the lane: the outline is an ellipse with these two half axes.
      const canvas = emptyCanvas();
      const skin = new Uint32Array(MAP_TEXELS).fill(0x00b4b4b4);
      drawBody(canvas, skin, 80.3, 79.6, radius, half, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
      let covered = 0;
      for (let i = 0; i < SIDE * SIDE; i++) if (canvas.data[3 * i]! > 20) covered++;
      const area = Math.PI * radius * half;
      assert.ok(Math.abs(covered / area - 1) < 0.03, `${covered} of ${area}`);
    }
  });

  test("a spot on the body is drawn where its attitude puts it, and moves on as the body rolls", () => {
    const random = new Random(5);
    const kind = { ...catalogue.faults.puncture!, opacity: [1, 1] as const };
    let seen = 0;
    for (let trial = 0; trial < 12; trial++) {
      const radius = 60;
      const half = random.range(48, 64);
      const roll = drawRoll(random, 742, 1 / 36, trial % 2 === 0);
      const at = facing(roll, 0, 0, random.range(-0.3, 0.3));
      if (Math.abs(at[1]) > 0.8) continue;
      const faults = [{ name: "puncture", kind, at, radius: 0.12, seed: trial }];
      const item = fruit({ faults, variety: { ...catalogue.varieties.golden!, stemRusset: [0, 0] } });
      const skin = new SkinPainter(item, item.variety!, sphere).finish();
      let lastX = Number.NEGATIVE_INFINITY;
      for (const travelMm of [-24, -12, 0, 12, 24]) {
        const canvas = emptyCanvas();
        const r = attitude(roll, travelMm);
        drawBody(canvas, skin, 80, 80, radius, half, r);
        const surface: Vector = [at[0] * radius, at[1] * half, at[2] * radius];
        const [x, y] = apply(r, surface);
        const pixel = (Math.floor(80 + y) * SIDE + Math.floor(80 + x)) * 3;
        const [red, green] = [canvas.data[pixel]!, canvas.data[pixel + 1]!];
        assert.ok(red < 90 && green < 70, `trial ${trial} at ${travelMm} mm: ${red} ${green} is no spot`);
        assert.ok(x > lastX);
        lastX = x;
        seen++;
      }
    }
    assert.ok(seen >= 30);
  });
});
