import type { Scene } from "./play.ts";
import { beltScenes } from "./scenes-belt.ts";
import { lightScenes } from "./scenes-light.ts";
import { motionScenes } from "./scenes-motion.ts";
import { pictureScenes } from "./scenes-picture.ts";
import { strangeScenes } from "./scenes-strange.ts";
import { tintScenes } from "./scenes-tint.ts";

/** Every scene of the line-up, by what makes it hard. */
export const scenes: readonly Scene[] = [
  ...tintScenes,
  ...lightScenes,
  ...motionScenes,
  ...beltScenes,
  ...strangeScenes,
  ...pictureScenes,
];
