import { parseMicros } from "../../base/time.ts";
import type { Box } from "../../vision/follower.ts";
import type { Scene } from "../../vision/scene.ts";
import type { SeenItem } from "../enrollable.ts";
import { type Appearance, appearanceOf } from "./appearance.ts";
import { type DriftReferences, distancesToReferences } from "./references.ts";
import { type ItemSignals, PLACES } from "./signals.ts";

/** Views of an item that are looked at. */
const MOST_VIEWS = 12;

export interface MeasureShape {
  /** Whose views are looked at, by the lane's list; those of all where absent. */
  readonly camera?: number;
  readonly sizePx: number;
  readonly fill: number;
  /** The lane's part of the frame. */
  readonly area: Box;
}

/** What an item and the scene behind it show a camera of how things are; undefined for one without a view of it. */
export function measure(
  { verdict, decided }: SeenItem,
  { camera, sizePx, fill, area }: MeasureShape,
  scene: Scene | undefined,
  references: DriftReferences | undefined,
): ItemSignals | undefined {
  const { crops, boxes, from } = decided;
  // Cameras differ in light and lens: each has a drift of its own.
  const own = [...crops.keys()].filter((view) => camera === undefined || from?.[view] === camera);
  const count = own.length;
  if (count === 0) return undefined;
  const looks: { look: Appearance; place: number }[] = [];
  const views = Math.min(MOST_VIEWS, count);
  for (let i = 0; i < views; i++) {
    const view = own[Math.floor(((i + 0.5) * count) / views)]!;
    const look = appearanceOf(crops[view]!, sizePx, fill);
    const box = boxes[view]!;
    const place = Math.floor((PLACES * (box.x + box.w / 2 - area.x)) / area.w);
    if (look !== undefined) looks.push({ look, place: Math.max(0, Math.min(PLACES - 1, place)) });
  }
  if (looks.length === 0) return undefined;
  const mean = (of: (look: Appearance) => number): number =>
    looks.reduce((sum, { look }) => sum + of(look), 0) / looks.length;
  const brightness = mean((look) => look.brightness);
  const sharpness = mean((look) => look.sharpness);
  // What an item shows everywhere is its own; only what differs from place to place is the place's.
  const placed = (of: (look: Appearance) => number, own: number): (number | undefined)[] =>
    Array.from({ length: PLACES }, (_, place) => {
      const here = looks.filter((each) => each.place === place);
      return here.length === 0 || looks.length < 4
        ? undefined
        : here.reduce((sum, { look }) => sum + of(look) - own, 0) / here.length;
    });
  const unknown = verdict.outcome === "unknown" || verdict.outcome === "unsure";
  return {
    exposedAt: parseMicros(verdict.exposedAt),
    values: {
      ...(scene === undefined ? {} : sceneValues(scene)),
      brightness,
      warmth: mean((look) => look.warmth),
      tint: mean((look) => look.tint),
      sharpness,
      ...(references === undefined ? {} : distancesOf(decided, own, references)),
      ...(references === undefined ? {} : { unknown: Number(unknown) }),
    },
    places: {
      placeBrightness: placed((look) => look.brightness, brightness),
      placeSharpness: placed((look) => look.sharpness, sharpness),
    },
  };
}

/** How far the views lie from the references. A view that could not be embedded leaves it open which row is whose. */
function distancesOf(
  { crops, embeddings, embedded }: SeenItem["decided"],
  own: readonly number[],
  references: DriftReferences,
): ReturnType<typeof distancesToReferences> {
  if (embedded === 0) return {};
  if (own.length === crops.length) return distancesToReferences(references, embeddings, embedded);
  if (embedded !== crops.length) return {};
  const dimension = embeddings.length / embedded;
  const rows = new Float32Array(own.length * dimension);
  for (const [row, view] of own.entries()) {
    rows.set(embeddings.subarray(view * dimension, (view + 1) * dimension), row * dimension);
  }
  return distancesToReferences(references, rows, own.length);
}

function sceneValues({ r, g, b }: Scene): Pick<ItemSignals["values"], "sceneBrightness" | "sceneWarmth" | "sceneTint"> {
  const [red, green, blue] = [Math.max(1, r), Math.max(1, g), Math.max(1, b)];
  return {
    sceneBrightness: Math.log2(0.299 * red + 0.587 * green + 0.114 * blue),
    sceneWarmth: Math.log2(red / blue),
    sceneTint: Math.log2(green / Math.sqrt(red * blue)),
  };
}
