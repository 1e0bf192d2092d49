import { shortHash } from "../base/short-hash.ts";
import { formatMicros, type Micros, nowMicros } from "../base/time.ts";
import { VERSION } from "../base/version.ts";
import type { Config } from "../config/schema.ts";
import type { HealthMessage, InfoMessage, RecipeMessage, ShadowMessage } from "../contract/messages.ts";
import type { Camera } from "../lanes/camera.ts";
import type { LaneStats } from "../lanes/counts.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { StationRecipes } from "../recipes/active.ts";
import type { Recipe } from "../recipes/load.ts";
import type { Teaching } from "../teach/teaching.ts";
import type { StationClock } from "./clock.ts";

/** What the messages about the device are made of, as it is now. */
export interface MessageParts {
  readonly config: Config;
  readonly startedAt: Micros;
  readonly clock: Pick<StationClock, "synchronised" | "health">;
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly stats: ReadonlyMap<string, Pick<LaneStats, "late">>;
  readonly publisher: Pick<Publisher, "health">;
  readonly teaching: Pick<Teaching, "queue" | "findings">;
  readonly recipes: Pick<StationRecipes, "judge" | "previous" | "shadow">;
  /** Since when the active recipe decides. */
  activatedAt(): Micros;
  /** Why the calibration does not hold any more; empty where there is none. */
  expired(): string[];
}

export function infoMessage({ config, startedAt, clock, cameras, recipes }: MessageParts): InfoMessage {
  const { embedder, recipe } = recipes.judge;
  return {
    device: config.device,
    version: VERSION,
    node: process.versions.node,
    startedAt: formatMicros(startedAt),
    clockSynchronised: clock.synchronised,
    model: {
      name: embedder.model.name,
      version: embedder.model.version,
      hash: shortHash(embedder.model.hash),
      sizePx: embedder.model.sizePx,
      dimension: embedder.model.dimension,
    },
    provider: embedder.provider,
    proof: embedder.proof,
    gallery: { hash: shortHash(recipe.galleryHash), references: recipe.references, grades: [...recipe.grades] },
    cameras: config.cameras.map(({ id, source }) => {
      const camera = cameras.get(id);
      return { id, kind: source.kind, widthPx: camera?.widthPx ?? 0, heightPx: camera?.heightPx ?? 0 };
    }),
    lanes: config.lanes.map(({ id, camera, conveyor, gateMm }) => ({ id, camera, conveyor: conveyor.kind, gateMm })),
  };
}

export function healthMessage({ startedAt, clock, cameras, stats, publisher, teaching }: MessageParts): HealthMessage {
  let late = 0;
  for (const lane of stats.values()) late += lane.late;
  return {
    at: formatMicros(nowMicros()),
    uptimeS: Math.round((nowMicros() - startedAt) / 1e6),
    ...publisher.health,
    clock: clock.health,
    cameras: [...cameras.values()].map((camera) => {
      const { seen, dropped, incomplete, lost = 0, restarts = 0 } = camera.counters;
      const { blindUs, shadows } = camera.unseen;
      const blindS = Math.round(blindUs / 1e5) / 10;
      const age = camera.frameAgeMs();
      const ageMs = age === undefined ? null : Math.max(0, Math.round(age));
      return { id: camera.id, seen, dropped, incomplete, lost, restarts, blindS, shadows, ageMs };
    }),
    queue: teaching.queue.stats,
    drift: teaching.findings(),
    late,
    rssBytes: process.memoryUsage.rss(),
  };
}

export function recipeMessage({ recipes, activatedAt, expired }: MessageParts): RecipeMessage {
  const { embedder, recipe } = recipes.judge;
  return {
    recipe: recipe.name,
    previous: recipes.previous,
    model: shortHash(embedder.model.hash),
    gallery: shortHash(recipe.galleryHash),
    grades: [...recipe.grades],
    activatedAt: formatMicros(activatedAt()),
    calibration: calibrationOf(recipe, expired),
  };
}

export function shadowMessage(recipes: Pick<StationRecipes, "shadow">): ShadowMessage {
  return { at: formatMicros(nowMicros()), shadow: recipes.shadow?.report ?? null };
}

function calibrationOf({ gallery }: Recipe, expired: () => string[]): RecipeMessage["calibration"] {
  const fit = gallery?.fit;
  if (fit === undefined) return null;
  const { rule, alpha, fittedAt } = fit;
  return { rule, alpha, fittedAt, expired: expired() };
}
