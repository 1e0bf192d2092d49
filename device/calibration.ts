import { createHash } from "node:crypto";
import type { Config } from "./base/config.ts";
import { sha256 } from "./base/files.ts";
import type { Gallery, GalleryFit } from "./grade/gallery.ts";

/** The settings of each camera, as a hash: another exposure or another camera makes other pictures. */
export function camerasOf({ cameras }: Pick<Config, "cameras">): Record<string, string> {
  return Object.fromEntries(
    cameras.map(({ id, source }) => [id, sha256(new TextEncoder().encode(JSON.stringify(source)))]),
  );
}

/** Identifies a gallery's references: who they are, of which grade and model. */
export function referencesOf({ modelHash, references }: Gallery): string {
  const hash = createHash("sha256").update(modelHash);
  for (const { id, grade, views } of references) hash.update(`\n${id} ${grade} ${views}`);
  return hash.digest("hex");
}

/**
 * Why a calibration does not hold any more; empty where it does, and where there is none. Limits follow the references
 * by themselves: more of them make no calibration expire. Light is watched on the line itself, by its drift.
 */
export function expiredFor(fit: GalleryFit | undefined, config: Pick<Config, "cameras">): string[] {
  if (fit?.cameras == null) return [];
  const now = camerasOf(config);
  const date = fit.fittedAt.slice(0, 10);
  return Object.entries(now).flatMap(([id, hash]) => {
    const then = fit.cameras![id];
    if (then === hash) return [];
    const what = then === undefined ? "was not there" : "was set otherwise";
    return [`camera ${id} ${what} when the gallery was calibrated on ${date}: gradeline-calibrate fit`];
  });
}
