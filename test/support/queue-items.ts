import type { SeenItem } from "../../device/teach/enrollable.ts";
import { MADE_MODEL, madeCrops } from "./gallery-made.ts";
import { draft, STORED } from "./verdicts.ts";

/** An unknown item with so many views. */
export function queueItem(n: number, views: number, sizePx = MADE_MODEL.sizePx): SeenItem {
  const verdict = { ...draft("a", n), ...STORED, seq: n, outcome: "unknown" as const, grade: null, views };
  const crops = madeCrops(n, views, sizePx);
  const boxes = crops.map(() => ({ x: 0, y: 0, w: 8, h: 8 }));
  const lane = { cameras: [{ camera: "top" }] };
  return { verdict, decided: { lane, crops, boxes, embeddings: new Float32Array(0), embedded: 0 } as never };
}
