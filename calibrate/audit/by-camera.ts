import { median } from "../../device/base/numbers.ts";
import type { Gallery, Reference } from "../../device/grade/gallery.ts";
import { camerasOfReference, taughtBy } from "../../device/grade/gallery-cameras.ts";
import type { Finding } from "./findings.ts";
import type { Qualities, ViewQuality } from "./quality.ts";

/** Views of a camera that say how its pictures are. */
const ENOUGH = 10;
/** A camera's pictures are this much darker, or less sharp, than those of the others. */
const DARKER = 0.75;
const BLUNTER = 0.7;
const SHOWN = 6;

/** Grades that some of the gallery's cameras have not seen, and cameras whose pictures differ from the others'. */
export function aboutCameras(gallery: Gallery, qualities: Qualities): Finding[] {
  const cameras = [...taughtBy(gallery).keys()];
  if (cameras.length < 2) return [];
  return [...unseenGrades(gallery, cameras), ...oddCameras(gallery, qualities, cameras)];
}

function unseenGrades({ grades, references }: Gallery, cameras: readonly string[]): Finding[] {
  return grades.flatMap((grade) => {
    const own = references.filter((reference) => reference.grade === grade);
    // Nobody knows who saw the others.
    if (own.length === 0 || own.some((reference) => reference.cameras === undefined)) return [];
    const saw = new Set(own.flatMap((reference) => reference.cameras ?? []));
    const missing = cameras.filter((camera) => !saw.has(camera));
    if (missing.length === 0) return [];
    const found = `${grade} was taught by ${[...saw].join(", ")}; ${missing.join(", ")} saw none of it`;
    const advice = `enroll some ${grade} that ${missing.join(" and ")} can see: cameras differ in light, lens and side`;
    return [{ kind: "cameras", severity: "advice", grade, ...shown(own), found, advice }] satisfies Finding[];
  });
}

/** Exposure and focus of one camera against all the others. */
function oddCameras({ references }: Gallery, qualities: Qualities, cameras: readonly string[]): Finding[] {
  const seen = references.flatMap((reference) => viewsOf(reference, qualities));
  return cameras.flatMap((camera) => {
    const own = seen.filter((view) => view.camera === camera);
    const others = seen.filter((view) => view.camera !== camera);
    if (own.length < ENOUGH || others.length < ENOUGH) return [];
    const share = (of: (quality: ViewQuality) => number): number =>
      median(own.map(({ quality }) => of(quality))) / Math.max(1e-6, median(others.map(({ quality }) => of(quality))));
    const [bright, sharp] = [share((quality) => quality.bright), share((quality) => quality.sharpness)];
    const texts = [
      ...(bright < DARKER ? [`${percent(1 - bright)} darker`] : []),
      ...(sharp < BLUNTER ? [`${percent(1 - sharp)} less sharp`] : []),
    ];
    if (texts.length === 0) return [];
    const items = references.filter((reference) => reference.cameras?.includes(camera));
    const found = `pictures of camera ${camera} are ${texts.join(" and ")} than those of the others`;
    const advice = `check light, exposure and focus of camera ${camera}; then enroll again what it saw`;
    const grade = items[0]!.grade;
    return [
      { kind: "cameras", severity: "problem", grade, ...shown(items, camera), found, advice },
    ] satisfies Finding[];
  });
}

function viewsOf(reference: Reference, qualities: Qualities): { camera: string; quality: ViewQuality }[] {
  const names = camerasOfReference(reference);
  if (names === undefined) return [];
  return (qualities.get(reference.id) ?? []).flatMap((quality, view) => {
    const camera = names[view];
    return camera === undefined ? [] : [{ camera, quality }];
  });
}

/** Some items, and of each a view of the camera that it is about. */
function shown(items: readonly Reference[], camera?: string): Pick<Finding, "items" | "views"> {
  const some = items.slice(0, SHOWN);
  const views = some.map((item) => Math.max(0, camerasOfReference(item)?.indexOf(camera ?? "") ?? 0));
  return { items: some.map(({ id }) => id), views };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
