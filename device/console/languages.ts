import type { IncomingMessage } from "node:http";

/** Languages of the page by their tags, with their own names. */
export const languages = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  it: "Italiano",
  pl: "Polski",
  zh: "中文",
} as const;

export type Language = keyof typeof languages;

const COOKIE = "gradeline-language";
const COOKIE_S = 365 * 24 * 3600;

/** The texts of a language by their keys, as `page/words/` has them. */
export type Words = Readonly<Record<string, string>>;

/** Reads the texts of every language. */
export async function readWords(): Promise<ReadonlyMap<Language, Words>> {
  const all = new Map<Language, Words>();
  for (const language of Object.keys(languages) as Language[]) {
    const module: { default: Words } = await import(new URL(`./page/words/${language}.js`, import.meta.url).href);
    all.set(language, module.default);
  }
  return all;
}

/** The language that the address asks for: `/?lang=de`. */
export function askedFor(request: IncomingMessage): Language | undefined {
  const query = (request.url ?? "").split("?", 2)[1] ?? "";
  return known(new URLSearchParams(query).get("lang") ?? "");
}

/** The language of the address, else the one chosen before, else the first that the browser wants and we have. */
export function languageOf(request: IncomingMessage): Language {
  return askedFor(request) ?? known(cookieOf(request, COOKIE) ?? "") ?? accepted(request) ?? "en";
}

/** The `Set-Cookie` by which a browser keeps the language that was chosen. */
export function languageCookie(language: Language): string {
  return `${COOKIE}=${language}; Path=/; SameSite=Strict; Max-Age=${COOKIE_S}`;
}

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  const parts = (headers.cookie ?? "").split(/; */);
  return parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** By `Accept-Language`: `de-AT;q=0.8` is German with a weight of 0.8. */
function accepted({ headers }: IncomingMessage): Language | undefined {
  const wanted = (headers["accept-language"] ?? "").split(",").map((part, index) => {
    const [tag = "", ...options] = part.trim().split(";");
    const weight = options.map((option) => /^\s*q=([\d.]+)$/.exec(option)?.[1]).find((value) => value !== undefined);
    return { language: known(tag), weight: Number(weight ?? 1), index };
  });
  wanted.sort((a, b) => b.weight - a.weight || a.index - b.index);
  return wanted.find(({ language, weight }) => language !== undefined && weight > 0)?.language;
}

/** `de-AT` is German. */
function known(tag: string): Language | undefined {
  const [base = ""] = tag.toLowerCase().split("-", 1);
  return Object.hasOwn(languages, base) ? (base as Language) : undefined;
}

/** Fills the texts of a language into a page: `{{nav.line}}`. */
export function inLanguage(html: string, language: Language, words: Words): string {
  const named = html.replace('<html lang="en">', `<html lang="${language}">`);
  return named.replaceAll(/\{\{([\w.-]+)\}\}/g, (_, key: string) => {
    const text = words[key];
    if (text === undefined) throw new Error(`the page has no text ${key} in ${language}`);
    return escaped(text);
  });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
