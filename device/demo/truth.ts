import type { Config, LineConfig } from "../config/schema.ts";
import { lineTruth } from "../simulation/world.ts";
import type { Truth } from "./tally.ts";

/**
 * What will pass on every lane of a simulated line, from its configuration alone.
 *
 * @param count items per lane at most
 */
export function truthsOf(config: Pick<Config, "cameras" | "lanes">, count: number): Truth[] {
  const truths: Truth[] = [];
  for (const camera of config.cameras) {
    const source = camera.source as LineConfig;
    // Behind the last of a lane's cameras lies its gate.
    const lanes = config.lanes.filter(({ cameras }) => cameras.at(-1)!.camera === camera.id);
    for (const [band, lane] of lanes.entries()) {
      for (const item of lineTruth(source, band, { count })) {
        truths.push({ lane: lane.id, grade: item.grade, gateAt: source.startAt + item.gateAtS * 1e6 });
      }
    }
  }
  return truths;
}
