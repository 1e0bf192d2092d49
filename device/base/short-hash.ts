const LETTERS = 16;

/** The first 16 hex digits of a hash: what messages, files and people call a model or gallery by. */
export function shortHash(hash: string): string {
  return hash.slice(0, LETTERS);
}
