/*
 * What kind of file a picture is, by its first bytes and by its name. Decoders see only files of the kinds that are read:
 * a drawing of some megabytes takes gigabytes of memory in one, and nobody asked for it.
 */

/** Pictures that are read, as people call them. */
export const READABLE = "JPEG, PNG, WebP or TIFF";

/** A kind of file that is not read, and what to do about it. */
export interface OtherKind {
  /** In lower case, with an explanation if the letters alone do not tell. */
  readonly name: string;
  readonly todo: string;
}

const CONVERT = "convert it to JPEG or PNG";
const PHONE = `${CONVERT} (heif-convert), or set the telephone to its most compatible format`;
const RAW = "develop it: save it as JPEG, PNG or TIFF";
const VIDEO = "save its frames as pictures, or play it by the camera preset `file`";

const OTHERS = {
  heic: { name: "heic, as telephones save it", todo: PHONE },
  avif: { name: "avif", todo: CONVERT },
  bmp: { name: "bmp", todo: CONVERT },
  gif: { name: "gif", todo: CONVERT },
  jxl: { name: "jxl (JPEG XL)", todo: CONVERT },
  jp2: { name: "jp2 (JPEG 2000)", todo: CONVERT },
  psd: { name: "psd (Photoshop)", todo: CONVERT },
  ico: { name: "ico, an icon", todo: "give a photograph" },
  exr: { name: "exr", todo: CONVERT },
  hdr: { name: "hdr (Radiance)", todo: CONVERT },
  pnm: { name: "pnm", todo: CONVERT },
  tga: { name: "tga", todo: CONVERT },
  fits: { name: "fits", todo: CONVERT },
  raw: { name: "a camera's raw file", todo: RAW },
  svg: { name: "svg, a drawing", todo: "give a photograph" },
  pdf: { name: "pdf, a document", todo: "save its pictures as JPEG or PNG" },
  html: { name: "html, a web page: a download that failed, likely", todo: "download the picture again" },
  zip: { name: "an archive", todo: "unpack it first" },
  video: { name: "a video", todo: VIDEO },
  apple: { name: "what a Mac keeps beside a file", todo: "leave it out" },
} as const satisfies Record<string, OtherKind>;

/** By the end of a name; what reads like a picture but is none. */
const BY_NAME: readonly (readonly [RegExp, keyof typeof OTHERS])[] = [
  [/\.(heic|heif|hif)$/i, "heic"],
  [/\.avif$/i, "avif"],
  [/\.(bmp|dib)$/i, "bmp"],
  [/\.gif$/i, "gif"],
  [/\.jxl$/i, "jxl"],
  [/\.(jp2|j2k|jpf|jpx|j2c)$/i, "jp2"],
  [/\.(psd|psb)$/i, "psd"],
  [/\.ico$/i, "ico"],
  [/\.exr$/i, "exr"],
  [/\.hdr$/i, "hdr"],
  [/\.(p[bgnp]m|pam)$/i, "pnm"],
  [/\.tga$/i, "tga"],
  [/\.(fits?|fts)$/i, "fits"],
  [/\.(dng|cr2|cr3|crw|nef|nrw|arw|sr2|srf|orf|rw2|raf|pef|srw|x3f|3fr|erf|mrw|rwl|iiq|kdc|dcr|raw)$/i, "raw"],
  [/\.svgz?$/i, "svg"],
  [/\.pdf$/i, "pdf"],
  [/\.html?$/i, "html"],
  [/\.(zip|rar|7z|tar|tgz|gz|xz|bz2)$/i, "zip"],
  [/\.(mp4|mov|m4v|avi|mkv|webm|mpe?g|mts|m2ts|3gp|wmv)$/i, "video"],
];

/** The kind that a file's name gives, if files of this kind are not read. */
export function otherKindOfName(name: string): OtherKind | undefined {
  const kind = BY_NAME.find(([ends]) => ends.test(name))?.[1];
  return kind === undefined ? undefined : OTHERS[kind];
}

/**
 * The kind that a file's first bytes give: true if it is read, else the name of the kind.
 *
 * @param bytes at least the first kilobyte, or all
 */
export function kindOfBytes(bytes: Uint8Array): true | OtherKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString("latin1");
  if (isReadable(head)) return true;
  const other = otherOf(head);
  return other === undefined
    ? { name: "no image that is known", todo: `${CONVERT}; where it was one, copy it again` }
    : OTHERS[other];
}

/** Whether files of this beginning are told apart further by their header: TIFF holds values of many kinds. */
export function isTiff(bytes: Uint8Array): boolean {
  return /^(II[*+]\0|MM\0[*+])/.test(Buffer.from(bytes.buffer, bytes.byteOffset, 4).toString("latin1"));
}

/** Whether a file of this beginning may hold several pictures: TIFF, and WebP that moves. */
export function maySeveral(bytes: Uint8Array): boolean {
  if (isTiff(bytes)) return true;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 21)).toString("latin1");
  // The extended header's flags: the second bit says that it moves.
  return head.startsWith("RIFF") && head.startsWith("WEBPVP8X", 8) && (bytes[20]! & 2) !== 0;
}

function isReadable(head: string): boolean {
  if (head.startsWith("\xff\xd8\xff") || head.startsWith("\x89PNG\r\n\x1a\n")) return true;
  if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) return true;
  // Canon's raw files are TIFF with a small picture in front.
  return /^(II[*+]\0|MM\0[*+])/.test(head) && !head.startsWith("CR\x02", 8);
}

function otherOf(head: string): keyof typeof OTHERS | undefined {
  const begins = (...texts: readonly string[]): boolean => texts.some((text) => head.startsWith(text));
  if (head.startsWith("ftyp", 4)) {
    const brands = head.slice(8, 40);
    if (/avi[fs]/.test(brands)) return "avif";
    if (brands.startsWith("crx ")) return "raw";
    return /^(hei|hev|mif1|msf1)/.test(brands) ? "heic" : "video";
  }
  if (begins("GIF8")) return "gif";
  // Its header says how long it is itself; "BM" alone begins many a text.
  if (begins("BM") && [12, 40, 64, 108, 124].includes(head.charCodeAt(14))) return "bmp";
  if (begins("\xff\x0a", "\0\0\0\x0cJXL ")) return "jxl";
  if (begins("\0\0\0\x0cjP  ", "\xff\x4f\xff\x51")) return "jp2";
  if (begins("8BPS")) return "psd";
  if (begins("\0\0\x01\0")) return "ico";
  if (begins("v/1\x01")) return "exr";
  if (begins("#?RADIANCE", "#?RGBE")) return "hdr";
  if (/^P[1-7][\s#]/.test(head)) return "pnm";
  if (begins("SIMPLE  =")) return "fits";
  if (begins("FUJIFILMCCD-RAW", "IIU\0", "IIRO", "IIRS", "MMOR", "FOVb", "II*\0", "\0MRM")) return "raw";
  if (begins("%PDF")) return "pdf";
  if (begins("PK\x03\x04", "\x1f\x8b", "Rar!", "7z\xbc\xaf", "BZh", "\xfd7zXZ")) return "zip";
  if (begins("RIFF", "\x1aE\xdf\xa3", "\0\0\x01\xba", "\0\0\x01\xb3")) return "video";
  if (begins("\0\x05\x16\x07")) return "apple";
  const text = head.replace(/\0/g, "").toLowerCase();
  if (/<svg[\s>]/.test(text)) return "svg";
  return /<(!doctype html|html|head|body)[\s>]/.test(text) ? "html" : undefined;
}
