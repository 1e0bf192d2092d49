import { GradelineError } from "../base/errors.ts";
import { shortHash } from "../base/short-hash.ts";
import { formatMicros, parseWall } from "../base/time.ts";
import { encodeJpeg } from "../capture/image.ts";
import { laneNamed } from "../config/lane-names.ts";
import type { Config } from "../config/schema.ts";
import type { ShadowMessage } from "../contract/messages.ts";
import type { DataOf, Handlers } from "../contract/verbs.ts";
import type { Camera } from "../lanes/camera.ts";
import { outletHandlers, type ProductMap } from "../lanes/products.ts";
import { fire, groupOf } from "../lanes/trigger-groups.ts";
import { type LotBook, lotHandlers } from "../lots/lot-book.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { Activated, StationRecipes } from "../recipes/active.ts";
import type { Recipe } from "../recipes/load.ts";
import { teachingHandlers } from "../teach/requests.ts";
import type { Teaching } from "../teach/teaching.ts";
import { shadowMessage } from "./messages.ts";

type Cameras = ReadonlyMap<string, Pick<Camera, "snapshot" | "trigger">>;

/** What requests are answered with; asked for anew at each. */
export interface RequestParts {
  readonly config: Pick<Config, "cameras" | "lanes" | "triggers">;
  readonly cameras: Cameras;
  readonly recipes: StationRecipes;
  readonly teaching: Teaching;
  readonly lots: LotBook;
  readonly products: ProductMap;
  publisher(): Pick<Publisher, "replay">;
  pause(paused: boolean): void;
  /** Reads the gallery again. */
  reload(): Promise<Recipe>;
  /** Tells which recipe decides beside the active one. */
  tellShadow(): ShadowMessage;
}

/** What the device does when it is asked over MQTT. */
export function requestHandlers(parts: RequestParts): Handlers {
  const { config, cameras, recipes } = parts;
  return {
    pause: async () => {
      parts.pause(true);
      return { paused: true };
    },
    resume: async () => {
      parts.pause(false);
      return { paused: false };
    },
    snapshot: ({ camera }) => snapshotOf(camera ?? config.cameras[0]?.id ?? "", cameras),
    trigger: async ({ lane: wanted }) => {
      const lane = laneNamed(config, wanted ?? config.lanes[0]?.id ?? "", "REQUEST");
      const fired = await fire(groupOf(config, lane), config, cameras);
      const exposures = fired.map(({ camera, at }) => ({ camera, at: formatMicros(at) }));
      return { lane: lane.id, camera: lane.camera, exposures };
    },
    replay: async ({ lane, from, to }) => {
      const count = await parts.publisher().replay({
        lane,
        ...(typeof from === "string" ? { fromUs: parseWall(from) } : { fromSeq: from }),
        ...(typeof to === "string" ? { toUs: parseWall(to) } : { toSeq: to }),
      });
      return { lane, count };
    },
    reload: async () => {
      const recipe = await parts.reload();
      return { gallery: shortHash(recipe.galleryHash), references: recipe.references };
    },
    activate: async ({ recipe }) => activated(recipes, await recipes.activate(recipe)),
    shadow: async ({ recipe, stop = false }) => {
      if (recipe !== undefined && stop) throw new GradelineError("REQUEST", "found both recipe and stop, wanted one");
      if (recipe === undefined && !stop) return shadowMessage(recipes);
      await recipes.setShadow(recipe);
      return parts.tellShadow();
    },
    rollback: async () => activated(recipes, await recipes.rollback()),
    ...teachingHandlers(() => parts.teaching),
    ...lotHandlers(() => parts.lots),
    ...outletHandlers(parts.products),
  };
}

function activated(recipes: StationRecipes, { recipe, changed }: Activated): DataOf<"activate"> {
  return {
    recipe: recipe.name,
    previous: recipes.previous,
    changed,
    model: shortHash(recipes.judge.by.modelHash),
    gallery: shortHash(recipe.galleryHash),
    references: recipe.references,
  };
}

async function snapshotOf(id: string, cameras: Cameras): Promise<DataOf<"snapshot">> {
  const camera = cameras.get(id);
  if (camera === undefined) {
    const known = [...cameras.keys()].join(", ") || "none is configured";
    throw new GradelineError("REQUEST", `there is no camera ${JSON.stringify(id)}, wanted one of: ${known}`);
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
}
