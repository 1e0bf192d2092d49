/** Lines between two prose lines that begin a new paragraph. */
const HANGING = 6;

/**
 * Breaks the lines of a help text that a terminal would break in the middle of words. Prose is filled anew; an indented
 * line goes on under its own text.
 *
 * @param columns of the terminal; undefined where the text goes to a file or a program: it stays as it is
 */
export function fitHelp(text: string, columns: number | undefined): string {
  if (columns === undefined || columns < 20) return text;
  const lines: string[] = [];
  let prose: string[] = [];
  const fill = (): void => {
    if (prose.length > 0) lines.push(...wrap(prose.join(" "), columns, 0));
    prose = [];
  };
  for (const line of text.split("\n")) {
    if (/^\S/.test(line) && !/:$/.test(line)) prose.push(line);
    else if (/^\S/.test(line) && prose.length > 0) {
      // The line that ends with a colon ends a paragraph, too.
      prose.push(line);
      fill();
    } else {
      fill();
      if (line.length <= columns) lines.push(line);
      else lines.push(...wrapIndented(line, columns));
    }
  }
  fill();
  return lines.join("\n");
}

/** `  term   what it is` goes on under `what`; where that leaves little room, or in an example, a little further in. */
function wrapIndented(line: string, columns: number): string[] {
  const indent = line.search(/\S/);
  const column = /^\s*\S.*? {2,}(?=\S)/.exec(line)?.[0].length ?? 0;
  const hanging = column > 0 && column <= columns / 2 ? column : indent + HANGING;
  const rest = wrap(line.trimStart(), columns - indent, 0);
  const first = rest[0]!;
  if (rest.length === 1) return [" ".repeat(indent) + first];
  const left = line.trimStart().slice(first.length).trimStart();
  return [" ".repeat(indent) + first.trimEnd(), ...wrap(left, columns, hanging)];
}

function wrap(text: string, columns: number, indent: number): string[] {
  const room = Math.max(10, columns - indent);
  const lines: string[] = [];
  let left = text;
  while (left.length > room) {
    const at = left.lastIndexOf(" ", room);
    const cut = at <= 0 ? left.indexOf(" ") : at;
    if (cut === -1) break;
    lines.push(" ".repeat(indent) + left.slice(0, cut).trimEnd());
    left = left.slice(cut).trimStart();
  }
  lines.push(" ".repeat(indent) + left);
  return lines;
}
