const collator = new Intl.Collator("en", { numeric: true, sensitivity: "variant" });

/** Natural order of names: `v2` before `v10`. Total: names that collate alike are ordered by their code units. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Whether a file name ends like an image that can be read; hidden files are none. */
export function isImageName(name: string): boolean {
  return /^[^.].*\.(jpe?g|png|webp|tiff?)$/i.test(name);
}

/** Folders that systems make on disks, cards and sticks, and who does. Some hold small copies of the pictures around. */
const SYSTEM_FOLDERS: readonly (readonly [RegExp, string])[] = [
  [/^__macosx$/i, "what a Mac adds to an archive"],
  [/^(network trash folder|temporary items|thevolumesettingsfolder)$/i, "what a Mac keeps on a network disk"],
  [/^(@.*|#(recycle|snapshot))$/i, "what a network disk keeps for itself"],
  [/^(\$.*|recycler|recycled|system volume information|found\.\d{3}|config\.msi)$/i, "what Windows keeps for itself"],
  [/^lost\+found$/i, "where a disk check puts what it finds"],
  [/^(lost\.dir|android)$/i, "what Android keeps for itself"],
  [/^(~.*|_gsdata_|__pycache__|thumbs|thumbnails|_thumbnails)$/i, "what a program keeps for itself"],
];

/** Why a folder of this name cannot hold the user's pictures; undefined if it may. */
export function systemFolder(name: string): string | undefined {
  return SYSTEM_FOLDERS.find(([names]) => names.test(name))?.[1];
}

/** Files that operating systems put into folders of pictures; they are ignored without a message. */
export function isSystemFile(name: string): boolean {
  return /^(thumbs\.db|ehthumbs.*\.db|desktop\.ini|icon\r|picasa\.ini|zbthumbnail\.info|.*\.(aae|thm|xmp))$/i.test(
    name,
  );
}
