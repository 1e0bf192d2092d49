/** The last two parts of a path, for under a picture: its end says most. */
export function shortName(path: string): string {
  return path.split("/").slice(-2).join("/");
}
