import type { Box } from "./follower.ts";

/** The background of a lane's part of the frame: its median colour, each channel 0..255. */
export interface Scene {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

/** Every so many pixels in both directions: some thousand samples of a frame. */
const STRIDE = 12;

/**
 * Median colour of a part of a frame. Fruit cover less than half of it, so this is belt or cups: what it does, the
 * light does.
 *
 * @param data RGB8 (heightPx, widthPx, 3)
 * @param area inside the frame
 */
export function sceneOf(data: Uint8Array, widthPx: number, area: Box): Scene {
  const counts = new Uint32Array(3 * 256);
  let samples = 0;
  for (let y = area.y + (STRIDE >> 1); y < area.y + area.h; y += STRIDE) {
    for (let x = area.x + (STRIDE >> 1); x < area.x + area.w; x += STRIDE) {
      const p = (y * widthPx + x) * 3;
      counts[data[p]!]!++;
      counts[256 + data[p + 1]!]!++;
      counts[512 + data[p + 2]!]!++;
      samples++;
    }
  }
  return { r: median(counts, 0, samples), g: median(counts, 256, samples), b: median(counts, 512, samples) };
}

/** Between whole levels: by where in its level the middle sample lies. */
function median(counts: Uint32Array, from: number, samples: number): number {
  let below = 0;
  for (let level = 0; level < 256; level++) {
    const here = counts[from + level]!;
    if (here > 0 && below + here >= samples / 2) return level + (samples / 2 - below) / here - 0.5;
    below += here;
  }
  return 0;
}
