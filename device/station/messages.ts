import { formatMicros, nowMicros } from "../base/time.ts";
import { VERSION } from "../base/version.ts";
import type { HealthMessage, InfoMessage, RecipeMessage, ShadowMessage } from "../contract/messages.ts";
import type { Station } from "./station.ts";

/** Hashes in messages: enough to tell two files apart, short enough to read out. */
function short(hash: string): string {
  return hash.slice(0, 16);
}

export function infoMessage(station: Station): InfoMessage {
  const { config, embedder, recipe } = station;
  return {
    device: config.device,
    version: VERSION,
    node: process.versions.node,
    startedAt: formatMicros(station.startedAt),
    clockSynchronised: station.clock.synchronised,
    model: {
      name: embedder.model.name,
      version: embedder.model.version,
      hash: short(embedder.model.hash),
      sizePx: embedder.model.sizePx,
      dimension: embedder.model.dimension,
    },
    provider: embedder.provider,
    proof: embedder.proof,
    gallery: { hash: short(recipe.galleryHash), references: recipe.references, grades: [...recipe.grades] },
    cameras: config.cameras.map(({ id, source }) => {
      const camera = station.cameras.get(id);
      return { id, kind: source.kind, widthPx: camera?.widthPx ?? 0, heightPx: camera?.heightPx ?? 0 };
    }),
    lanes: config.lanes.map(({ id, camera, conveyor, gateMm }) => ({ id, camera, conveyor: conveyor.kind, gateMm })),
  };
}

export function healthMessage(station: Station): HealthMessage {
  let late = 0;
  for (const stats of station.stats.values()) late += stats.late;
  return {
    at: formatMicros(nowMicros()),
    uptimeS: Math.round((nowMicros() - station.startedAt) / 1e6),
    ...station.publisher.health,
    clock: station.clock.health,
    cameras: [...station.cameras.values()].map((camera) => {
      const { seen, dropped, incomplete, lost = 0, restarts = 0 } = camera.counters;
      const age = camera.frameAgeMs();
      const ageMs = age === undefined ? null : Math.max(0, Math.round(age));
      return { id: camera.id, seen, dropped, incomplete, lost, restarts, ageMs };
    }),
    queue: station.teaching.queue.stats,
    drift: station.teaching.findings(),
    late,
    rssBytes: process.memoryUsage.rss(),
  };
}

export function recipeMessage(station: Station): RecipeMessage {
  const { embedder, recipe } = station;
  return {
    recipe: recipe.name,
    previous: station.recipes.previous,
    model: short(embedder.model.hash),
    gallery: short(recipe.galleryHash),
    grades: [...recipe.grades],
    activatedAt: formatMicros(station.activatedAt),
    calibration: calibrationOf(station),
  };
}

export function shadowMessage({ recipes }: Station): ShadowMessage {
  return { at: formatMicros(nowMicros()), shadow: recipes.shadow?.report ?? null };
}

function calibrationOf(station: Station): RecipeMessage["calibration"] {
  const fit = station.recipe.gallery?.fit;
  if (fit === undefined) return null;
  const { rule, alpha, fittedAt } = fit;
  return { rule, alpha, fittedAt, expired: station.expired() };
}
