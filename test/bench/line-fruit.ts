import { createLog } from "../../device/base/log.ts";
import { configSchema } from "../../device/config/schema.ts";
import { demoLine } from "../../device/demo/line.ts";
import { watchLine } from "../../device/demo/samples.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import type { Model } from "../../device/embed/embedder.ts";
import type { Sample } from "../../device/gallery/enroll.ts";

/** More than half of the fruit of the simulated line are sound, and some cups are empty. */
const PASSING_PER_SOUND = 2.4;

/**
 * Sound fruit of the demo's cup conveyor, drawn, photographed, followed and cropped as a camera's frames are. No two are
 * the same fruit.
 *
 * @param count how many
 * @param onItem called after each
 */
export async function soundFruit(
  model: Model,
  count: number,
  seed: number,
  onItem: (done: number) => void = () => {},
): Promise<Sample[]> {
  const items = Math.ceil(count * PASSING_PER_SOUND) + 20;
  const { cameras, lanes } = demoLine({
    seed,
    fruit: undefined,
    individuals: "all",
    startAt: 1,
    items,
    pace: "fast",
    strangers: 0,
  });
  const line = configSchema.parse({
    device: "bench",
    gallery: "none",
    journal: { path: "none" },
    mqtt: { url: "mqtt://127.0.0.1:1" },
    cameras: cameras.filter(({ id }) => id === "cups"),
    lanes: lanes.filter(({ id }) => id === "cups"),
  });
  const found: Sample[] = [];
  for await (const sample of watchLine(line, model, truthsOf(line, items), createLog("silent"))) {
    if (sample.grade !== "sound") continue;
    found.push(sample);
    onItem(found.length);
    if (found.length === count) break;
  }
  if (found.length < count) throw new Error(`${found.length} sound fruit passed, wanted ${count}`);
  return found;
}
