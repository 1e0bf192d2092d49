/*
 * HTML and SVG by template literals: whatever is put in is escaped, unless it is markup itself. Names of grades, items
 * and files are other people's words.
 */

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type Content = string | number | Markup | null | undefined | false | readonly Content[];

/** A piece of HTML or SVG; strings and numbers are escaped, also within double-quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = strings[0]!;
  for (const [index, value] of values.entries()) text += render(value) + strings[index + 1]!;
  return new Markup(text);
}

/** As `html`; editors colour it as SVG. */
export const svg = html;

export function escapeText(text: string): string {
  return (
    text
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
      // Control characters are in no valid document, and unpaired halves of characters are none.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\u{fffd}")
      .toWellFormed()
  );
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(render).join("");
  return escapeText(String(value));
}
