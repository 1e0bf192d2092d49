import { setTimeout } from "node:timers/promises";
import { GradelineError } from "../base/errors.ts";
import { formatMicros, parseWall } from "../base/time.ts";
import { encodeJpeg } from "../capture/image.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { DataOf, Handlers } from "../contract/verbs.ts";
import { outletHandlers } from "../lanes/products.ts";
import { lotHandlers } from "../lots/lot-book.ts";
import type { Activated } from "../recipes/active.ts";
import { teachingHandlers } from "../teach/requests.ts";
import { shadowMessage } from "./messages.ts";
import type { Station } from "./station.ts";

/** What the device does when it is asked over MQTT. */
export function requestHandlers(station: Station): Handlers {
  return {
    pause: async () => {
      station.pause(true);
      return { paused: true };
    },
    resume: async () => {
      station.pause(false);
      return { paused: false };
    },
    snapshot: async ({ camera: wanted }) => {
      const id = wanted ?? station.config.cameras[0]?.id;
      const camera = id === undefined ? undefined : station.cameras.get(id);
      if (id === undefined || camera === undefined) {
        const known = [...station.cameras.keys()].join(", ") || "none is configured";
        throw new GradelineError("REQUEST", `there is no camera ${JSON.stringify(id ?? "")}, wanted one of: ${known}`);
      }
      const picture = await camera.snapshot();
      const jpeg = await encodeJpeg(picture);
      return {
        camera: id,
        exposedAt: formatMicros(picture.exposedAt),
        widthPx: picture.widthPx,
        heightPx: picture.heightPx,
        jpeg: jpeg.toString("base64"),
      };
    },
    trigger: async ({ lane: wanted }) => {
      const { lanes } = station.config;
      const lane = wanted === undefined ? lanes[0] : lanes.find(({ id }) => id === wanted);
      if (lane === undefined) {
        const known = lanes.map(({ id }) => id).join(", ") || "none is configured";
        throw new GradelineError(
          "REQUEST",
          `there is no lane ${JSON.stringify(wanted ?? "")}, wanted one of: ${known}`,
        );
      }
      await triggerLane(lane, station.cameras);
      return { lane: lane.id, camera: lane.camera };
    },
    replay: async ({ lane, from, to }) => {
      const count = await station.publisher.replay({
        lane,
        ...(typeof from === "string" ? { fromUs: parseWall(from) } : { fromSeq: from }),
        ...(typeof to === "string" ? { toUs: parseWall(to) } : { toSeq: to }),
      });
      return { lane, count };
    },
    reload: async () => {
      const recipe = await station.reload();
      return { gallery: recipe.galleryHash.slice(0, 16), references: recipe.references };
    },
    activate: async ({ recipe }) => activated(station, await station.recipes.activate(recipe)),
    shadow: async ({ recipe, stop = false }) => {
      if (recipe !== undefined && stop) throw new GradelineError("REQUEST", "found both recipe and stop, wanted one");
      return recipe !== undefined || stop ? station.setShadow(recipe) : shadowMessage(station);
    },
    rollback: async () => activated(station, await station.recipes.rollback()),
    ...teachingHandlers(() => station.teaching),
    ...lotHandlers(() => station.lots),
    ...outletHandlers(station.products),
  };
}

function activated({ recipes }: Station, { recipe, changed }: Activated): DataOf<"activate"> {
  return {
    recipe: recipe.name,
    previous: recipes.previous,
    changed,
    model: recipes.judge.by.modelHash.slice(0, 16),
    gallery: recipe.galleryHash.slice(0, 16),
    references: recipe.references,
  };
}

/** All cameras of a lane expose at once, or each after its delay where flashes must not meet. */
async function triggerLane({ cameras: entries }: LaneConfig, cameras: Station["cameras"]): Promise<void> {
  const delays = new Map<string, number>();
  for (const { camera, delayMs } of entries) if (!delays.has(camera)) delays.set(camera, delayMs);
  await Promise.all(
    [...delays].map(async ([camera, delayMs]) => {
      if (delayMs > 0) await setTimeout(delayMs);
      await cameras.get(camera)!.trigger();
    }),
  );
}
