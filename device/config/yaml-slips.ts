import type { YAMLParseError, YAMLWarning } from "yaml";

/** What people write who do not know YAML well, and what the reader's own words do not say. */
export function yamlProblem(error: YAMLParseError | YAMLWarning, text: string): string {
  const at = error.pos[0];
  const line = lineAt(text, at);
  if (/^ *\t/.test(line) && error.code !== "DUPLICATE_KEY") {
    return "a tab indents this line; YAML takes spaces only: put two spaces for each step";
  }
  const unspaced = /^\s*(?:- +)?([A-Za-z]+):[^\s:/]/.exec(line);
  switch (error.code) {
    case "DUPLICATE_KEY":
      return `the key ${quoted(keyAt(text, at))} is given twice; keep one of the two`;
    case "TAB_AS_INDENT":
      return "a tab stands where YAML takes spaces only: put two spaces for each step";
    case "TAG_RESOLVE_FAILED":
      return `${error.message}: what begins with ! is a tag of YAML, which has no meaning here; take it away, or put the text in quotes`;
    case "BAD_ALIAS":
      return "a text that begins with * is an alias of YAML; put it in quotes";
    case "BAD_SCALAR_START":
      return `a text cannot begin with ${quoted(text[at] ?? "")} in YAML; put it in quotes`;
    case "BAD_DQ_ESCAPE":
      return "a backslash in double quotes is an escape of YAML; put the text in single quotes, or write \\\\ for each backslash";
    case "MULTIPLE_DOCS":
      return "a second document begins with ---; a configuration is one document";
    case "NON_STRING_KEY":
      return "{{ }} is a template that nothing filled in; write the value itself";
    case "MULTILINE_IMPLICIT_KEY":
      if (unspaced !== null) return missingSpace(unspaced[1]!);
      return "this line continues the one before it; begin it in the same column as its neighbours, and end each key with a colon and a space";
    case "BLOCK_AS_IMPLICIT_KEY":
    case "BAD_INDENT":
      return `${error.message}; keys of one map begin in the same column, and a text with a colon and a space in it needs quotes`;
    case "UNEXPECTED_TOKEN":
    case "MISSING_CHAR":
      if (unspaced !== null) return missingSpace(unspaced[1]!);
      if (/:\s+- /.test(line)) return "a list begins on the line after its key: each entry on a line of its own";
      return error.message;
    default:
      return error.message;
  }
}

/** The same for an anchor that is not there; undefined for other errors. */
export function aliasProblem(message: string): string | undefined {
  const name = /^Unresolved alias.*: (.*)$/.exec(message)?.[1];
  if (name === undefined) return undefined;
  return `*${name} is an alias of YAML, and no anchor &${name} stands before it; put a text that begins with * in quotes`;
}

/** Line ends of old systems are line ends too; offsets stay. */
export function withLineEnds(text: string): string {
  return text.includes("\n") ? text : text.replaceAll("\r", "\n");
}

/**
 * Why a file's bytes are no UTF-8 text, and what to do; undefined where they are.
 *
 * @param bytes the whole file
 */
export function encodingProblem(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (wide || bytes.includes(0)) {
    const what = wide || bytes.indexOf(0) < 4 ? "UTF-16 text, which some editors call Unicode" : "not text, or damaged";
    return `is ${what}; save it as UTF-8`;
  }
  let line = 1;
  for (let at = 0; at < bytes.length; at++) {
    const length = utf8Length(bytes, at);
    if (length === 0) {
      const byte = bytes[at]!.toString(16).padStart(2, "0");
      return `is not UTF-8 text: line ${line} holds the byte 0x${byte}, as an older encoding writes a letter with an accent; save it as UTF-8`;
    }
    if (bytes[at] === 0x0a) line++;
    at += length - 1;
  }
  return undefined;
}

/** Bytes of the character that begins at `at`; 0 where none does. */
function utf8Length(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  for (let next = 1; next < length; next++) if ((bytes[at + next] ?? 0) >> 6 !== 2) return 0;
  return length;
}

function missingSpace(key: string): string {
  return `a space is missing after the colon of ${quoted(key)}`;
}

function lineAt(text: string, at: number): string {
  const begin = text.lastIndexOf("\n", Math.max(0, at - 1)) + 1;
  const end = text.indexOf("\n", begin);
  // An error about a line may point at its end.
  return text.slice(begin, end === -1 ? undefined : end);
}

function keyAt(text: string, position: number): string {
  return /^["']?([^"':\n]*)/.exec(text.slice(position))?.[1]?.trim() ?? "";
}

function quoted(text: string): string {
  return `\`${text}\``;
}
