import type { Gallery, Reference } from "./gallery.ts";

/** Which cameras saw an enrolled item: each once, and of several, which of them saw each view. */
export type SeenBy = Pick<Reference, "cameras" | "from">;

/** @param names of the camera of each view; undefined where it is not known */
export function seenBy(names: readonly string[] | undefined): SeenBy {
  if (names === undefined || names.length === 0) return {};
  const cameras = [...new Set(names)];
  if (cameras.length === 1) return { cameras };
  return { cameras, from: names.map((name) => cameras.indexOf(name)) };
}

/** The camera of each view of a reference; undefined where nobody knows: photographs, older galleries. */
export function camerasOfReference({ cameras, from, views }: Reference): readonly string[] | undefined {
  if (cameras === undefined) return undefined;
  return Array.from({ length: views }, (_, view) => cameras[from?.[view] ?? 0]!);
}

/** The cameras that taught a gallery, by name, with the items that each of them saw. */
export function taughtBy({ references }: Pick<Gallery, "references">): ReadonlyMap<string, number> {
  const taught = new Map<string, number>();
  for (const { cameras = [] } of references) {
    for (const camera of cameras) taught.set(camera, (taught.get(camera) ?? 0) + 1);
  }
  return taught;
}
