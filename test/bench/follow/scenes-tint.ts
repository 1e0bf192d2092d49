import {
  APPLE,
  AVOCADO,
  BLACK,
  BLUE,
  GREEN_BELT,
  LEMON,
  LIME,
  ONION,
  PLUM,
  ROTTEN,
  row,
  STEEL,
  stage,
  WHITE,
} from "./made.ts";
import type { Rgb } from "./painter.ts";
import type { Scene } from "./play.ts";

const SECONDS = 4.6;

function on(name: string, belt: Rgb, colours: readonly Rgb[], noise = 2): Scene {
  return { name, seconds: SECONDS, stage: stage({ belt, things: row(9, { colours }), noise }) };
}

/** Fruit and belts of every tint, most of all of the same. */
export const tintScenes: readonly Scene[] = [
  on("apples on blue", BLUE, [APPLE]),
  on("three kinds on green", GREEN_BELT, [APPLE, LEMON, ONION]),
  on("limes on steel", STEEL, [LIME]),
  on("rotten apples on white", WHITE, [ROTTEN]),
  on("avocados on white", WHITE, [AVOCADO]),
  on("plums on white", WHITE, [PLUM]),
  on("rotten apples on blue", BLUE, [ROTTEN]),
  on("plums on black", BLACK, [[70, 52, 74]]),
  on("avocados on black", BLACK, [[66, 74, 54]]),
  on("onions on white", WHITE, [ONION]),
  on("onions on steel", STEEL, [ONION]),
  on("grey things on grey", STEEL, [[100, 100, 100]]),
  on("lemons on black, a noisy camera", BLACK, [LEMON], 6),
  on("plums on white, a noisy camera", WHITE, [PLUM], 6),
  {
    name: "half rotten apples on white",
    seconds: SECONDS,
    stage: stage({
      belt: WHITE,
      things: row(8).flatMap((apple) => [
        { ...apple, x: apple.x + 12, rx: 20, ry: 24, colour: ROTTEN, shadow: 0 },
        apple,
      ]),
    }),
    due: (_, i) => (i % 2 === 0 ? "either" : "fruit"),
  },
  {
    name: "soft shadows without fruit",
    seconds: SECONDS,
    stage: stage({
      things: [],
      lightAt: (t, x) => 1 - 0.4 * Math.exp(-((((x - 500 * t + 3200) % 640) / 60 - 5) ** 2)),
    }),
  },
];
