const collator = new Intl.Collator("en", { numeric: true, sensitivity: "variant" });

/** Natural order of names: `v2` before `v10`. Total: names that collate alike are ordered by their code units. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Whether a file name ends like an image that can be read; hidden files are none. */
export function isImageName(name: string): boolean {
  return /^[^.].*\.(jpe?g|png|webp|tiff?)$/i.test(name);
}
