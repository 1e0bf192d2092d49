import { shortHash } from "../../device/base/short-hash.ts";
import { labelOf, type Manifest } from "../../device/recipes/bundle/manifest.ts";
import { fingerprint } from "../../device/recipes/bundle/signing.ts";

/** What a recipe is, for people. */
export function describeManifest(manifest: Manifest, digest: string): string {
  const { model, gallery, grades, thresholds, madeAt, madeWith } = manifest;
  const width = Math.max(5, ...grades.map(({ grade }) => grade.length));
  return [
    `${labelOf(manifest)}  ${shortHash(digest)}, made ${madeAt.slice(0, 19)}Z with gradeline ${madeWith}`,
    `  model    ${model.name} ${model.version}  ${shortHash(model.hash)}`,
    `  gallery  ${gallery.items} items, ${gallery.views} views  ${shortHash(gallery.hash)}`,
    `  rule     ${thresholds.rule}, at most ${percent(thresholds.alpha)} of good fruit called unknown`,
    `  ${"grade".padEnd(width)}  items  limit  tolerance`,
    ...grades.map(
      ({ grade, items, limit, tolerance }) =>
        `  ${grade.padEnd(width)}  ${String(items).padStart(5)}  ${limit.toFixed(3)}  ${tolerance === null ? "usual" : percent(tolerance)}`,
    ),
    "",
  ].join("\n");
}

/** The same as `--json` prints it. */
export function manifestAsJson(manifest: Manifest, digest: string, publicKey: string) {
  const { name, version, madeAt, madeWith, model, gallery, grades, thresholds } = manifest;
  return {
    name,
    version,
    digest,
    signedBy: { publicKey, fingerprint: fingerprint(publicKey) },
    madeAt,
    madeWith,
    model: { name: model.name, version: model.version, hash: model.hash },
    gallery,
    grades,
    thresholds,
    parts: manifest.parts.length,
  };
}

export function describeBytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
