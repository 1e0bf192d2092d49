import { createHash } from "node:crypto";
import { sha256 } from "../base/files.ts";
import type { Config } from "../config/schema.ts";
import type { Gallery, GalleryFit } from "../grade/gallery.ts";

/** The settings of each camera, as a hash: another exposure or another camera makes other pictures. */
export function camerasOf({ cameras }: Pick<Config, "cameras">): ReadonlyMap<string, string> {
  return new Map(cameras.map(({ id, source }) => [id, sha256(new TextEncoder().encode(JSON.stringify(source)))]));
}

/** Identifies a gallery's references: who they are, of which grade and model. */
export function referencesOf({ modelHash, references }: Gallery): string {
  const hash = createHash("sha256").update(modelHash);
  for (const { id, grade, views } of references) hash.update(`\n${id} ${grade} ${views}`);
  return hash.digest("hex");
}

/** What has changed on a lane, as far as a calibration minds it. */
export interface Changed {
  readonly lane: string;
  readonly kind: string;
  /** RFC 3339, UTC, with microseconds. */
  readonly since: string;
}

/**
 * Why a calibration does not hold any more; empty where it does, and where there is none. Limits follow the references
 * by themselves: more of them make no calibration expire. Another model makes another gallery.
 *
 * @param changes what stands on the lanes; light that changed after the calibration makes other pictures
 */
export function expiredFor(
  fit: GalleryFit | undefined,
  config: Pick<Config, "cameras">,
  changes: readonly Changed[] = [],
): string[] {
  if (fit === undefined) return [];
  const when = `when the gallery was calibrated on ${fit.fittedAt.slice(0, 10)}: gradeline-calibrate fit`;
  const cameras = [...(fit.cameras === null ? [] : camerasOf(config))].flatMap(([id, hash]) => {
    const then = fit.cameras!.get(id);
    if (then === hash) return [];
    return [`camera ${id} ${then === undefined ? "was not there" : "was set otherwise"} ${when}`];
  });
  const light = changes
    .filter(({ kind, since }) => kind === "light" && since > fit.fittedAt)
    .map(({ lane }) => `lane ${lane} had another light ${when}, once the references are of this light`);
  return [...cameras, ...light];
}
