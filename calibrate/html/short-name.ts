import { html, type Markup } from "./markup.ts";

/** The last two parts of a path, for under a picture: its end says most. It may be broken where people would do so. */
export function shortName(path: string): Markup {
  const parts = path
    .split("/")
    .slice(-2)
    .join("/")
    .split(/(?<=[/_.-])/);
  return html`${parts.map((part, i) => (i === 0 ? part : html`<wbr>${part}`))}`;
}
