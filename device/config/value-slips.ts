import type { Allowed } from "./allowed.ts";

/** YAML 1.1 took these for true and false; YAML 1.2 takes them for text. */
const YES_AND_NO: ReadonlyMap<string, boolean> = new Map([
  ["yes", true],
  ["on", true],
  ["y", true],
  ["true", true],
  ["no", false],
  ["off", false],
  ["n", false],
  ["false", false],
]);

/** What GStreamer's presets are called; many take them for kinds of cameras. */
const PRESETS: readonly string[] = ["usb", "csi", "rtsp", "test", "file"];

/** A value of the file beside how it is written there. */
export interface Written {
  readonly value: unknown;
  /** As it stands in the file; undefined where the file has no such value. */
  readonly source: string | undefined;
}

/**
 * What the writer of a wrong value likely meant, as an instruction; undefined where nothing is likely.
 *
 * @param allowed what may stand there
 */
export function valueSlip({ value, source }: Written, allowed: Allowed): string | undefined {
  const { types, choices } = allowed;
  if (typeof value === "number" || typeof value === "boolean") {
    const text = source ?? String(value);
    const wanted = choices.length === 0 ? types.includes("string") : choices.includes(text);
    if (wanted) {
      const what = typeof value === "number" ? "a number" : "true or false";
      return `YAML reads ${text} as ${what}; to use it as text, put it in quotes: ${JSON.stringify(text)}`;
    }
    return undefined;
  }
  if (types.includes("array") && typeof value === "object" && value !== null && !Array.isArray(value)) {
    return "it is a list: put `- ` before the first key of each entry";
  }
  if (!types.includes("array") && Array.isArray(value)) {
    return "it is not a list: take the `- ` or the brackets away";
  }
  if (typeof value !== "string") return undefined;
  return textSlip(value, source ?? value, allowed);
}

function textSlip(text: string, source: string, { types, choices }: Allowed): string | undefined {
  const bare = text.trim();
  if (/[“”„‟‘’‚«»]/.test(bare)) return "it holds typographic quotes, which YAML takes for letters: write \" or '";
  if (/^\$\{?\w+\}?$|\$\{\w+\}|\{\{|%\w+%/.test(bare))
    return "variables are not filled in here: write the value itself";
  if (types.includes("boolean")) {
    const meant = YES_AND_NO.get(bare.toLowerCase());
    if (meant !== undefined) return `write ${meant}, without quotes`;
  }
  if (types.includes("number") || types.includes("integer")) {
    const meant = numberSlip(bare);
    if (meant !== undefined) return meant;
  }
  if (choices.includes("gst") && PRESETS.includes(bare.toLowerCase())) {
    return `it is a preset: kind: gst, preset: ${bare.toLowerCase()}`;
  }
  if (choices.length > 0) {
    const meant = nearest(bare, choices);
    if (meant !== undefined) return `did you mean ${meant}?`;
  }
  if (types.length === 1 && types[0] === "object" && /^[A-Za-z]+:\S/.test(bare)) {
    return "a space is missing after the colon";
  }
  return source !== bare && /[\u00a0\u2007\u202f\u200b\ufeff]/.test(text)
    ? "it holds a space that cannot be told from a plain one: type it anew"
    : undefined;
}

/** What stands where a number should, and how to write it. */
function numberSlip(text: string): string | undefined {
  const plain = text.replace(/^[−–]/, "-");
  if (plain !== text && isNumber(plain)) return `it has a typographic minus: write ${plain}`;
  if (isNumber(plain)) return `write it as a number, without quotes: ${plain}`;
  const [, head = "", rest = ""] = /^([+-]?[\d.,'_\u00a0\u202f ]*\d)\s*(.*)$/s.exec(plain) ?? [];
  if (head === "") return undefined;
  const number = withPoint(head);
  if (rest === "" && head !== number) return `a number is written with a point and without separators: ${number}`;
  if (rest === "%") return `write the share as a number: ${Number((Number(number) / 100).toPrecision(12))}`;
  if (rest.startsWith("#")) return `put a space before the # of a comment: ${number} ${rest}`;
  if (!isNumber(number)) return undefined;
  return `write the number alone, without ${JSON.stringify(rest)}: ${number}`;
}

/** `0,58` as 0.58; `1.234,5` as 1234.5; `1 000`, `1_000` and `1'000` as 1000. */
function withPoint(text: string): string {
  const joined = text.replace(/['_\u00a0\u202f ]/g, "");
  const comma = joined.lastIndexOf(",");
  const point = joined.lastIndexOf(".");
  if (comma > point) return `${joined.slice(0, comma).replace(/[.,]/g, "")}.${joined.slice(comma + 1)}`;
  return point === -1 ? joined : `${joined.slice(0, point).replace(/[.,]/g, "")}.${joined.slice(point + 1)}`;
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

/**
 * What the writer of an unknown key likely meant; undefined where nothing is likely.
 *
 * @param allowed keys of the map in which it stands
 * @param elsewhere where a key of this name belongs, as `console.port`
 */
export function keySlip(key: string, allowed: readonly string[], elsewhere: readonly string[]): string | undefined {
  if (key === "<<") return "YAML 1.2 does not merge maps: write the keys out";
  if (/^\d+$/.test(key)) return "a number is written with a decimal point, not with a comma";
  if (/^[A-Za-z]+:\S/.test(key)) return "a space is missing after the colon";
  if (/[\u00a0\u2007\u202f\u200b\ufeff]/.test(key)) {
    return "it holds a space that cannot be told from a plain one: type the line anew";
  }
  const meant = nearest(key, allowed);
  if (meant !== undefined) return `did you mean \`${meant}\`?`;
  if (elsewhere.length > 0) return `it belongs in ${elsewhere.map((place) => `\`${place}\``).join(" or ")}`;
  return undefined;
}

/** Why a key seems to be missing from a map that was meant to have it; undefined where nothing tells. */
export function missingSlip(key: string, map: unknown): string | undefined {
  if (typeof map === "string" && map.startsWith(`${key}:`)) return "a space is missing after the colon";
  if (typeof map !== "object" || map === null) return undefined;
  return Object.keys(map).some((name) => name.startsWith(`${key}:`)) ? "a space is missing after the colon" : undefined;
}

/** The choice that differs in case, separators or a letter or two; undefined where none or several do. */
export function nearest(text: string, choices: readonly string[]): string | undefined {
  const folded = fold(text);
  const same = choices.find((choice) => fold(choice) === folded);
  if (same !== undefined) return same;
  const most = folded.length < 4 ? 0 : folded.length < 8 ? 1 : 2;
  const near = choices.filter((choice) => editDistance(folded, fold(choice)) <= most);
  return near.length === 1 ? near[0] : undefined;
}

function fold(text: string): string {
  return text.toLowerCase().replace(/[\s_-]/g, "");
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
