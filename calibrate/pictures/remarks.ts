import { dirname, resolve } from "node:path";

/** A file or folder that is not used; a folder's path ends in `/`. */
export interface PassedOver {
  readonly path: string;
  readonly reason: string;
}

/** Paths that are shown of each reason. */
const MOST_SHOWN = 3;

/** What is to be said of pictures: those that are not used, and those that may not be what was meant. */
export class Remarks {
  readonly passedOver: PassedOver[] = [];
  readonly #cameras: string[] = [];
  readonly #second: { readonly path: string; readonly share: number }[] = [];

  readonly #several: string[] = [];

  #oneGrade: string | undefined;

  passOver(path: string, reason: string): void {
    this.passedOver.push({ path, reason });
  }

  /** The folders of an item were taken for its cameras. */
  cameras(item: string, names: readonly string[]): void {
    this.#cameras.push(`${item} (${names.join(", ")})`);
  }

  /** @param share area of the second thing in the picture, as a share of the first's */
  second(path: string, share: number): void {
    this.#second.push({ path, share });
  }

  /** A file holds so many pictures, and the first is used. */
  several(path: string, pages: number): void {
    this.#several.push(`${path} (${pages})`);
  }

  /** The folders in it look like the fruit of one grade, and are taken for grades. */
  oneGrade(folder: string, names: readonly string[]): void {
    this.#oneGrade = `the folders in ${folder} are taken for grades (${some(names)}), and each picture for a fruit; where they are the fruit of one grade, give the folder above: ${dirname(resolve(folder))}`;
  }

  /** Lines for standard error, without line ends; none where all was used as it is. */
  lines(): string[] {
    const lines: string[] = [];
    if (this.#oneGrade !== undefined) lines.push(`warning: ${this.#oneGrade}`);
    if (this.#cameras.length > 0) {
      lines.push(`note: folders in an item are taken for its cameras: ${some(this.#cameras)}`);
    }
    if (this.#second.length > 0) {
      const largest = Math.max(...this.#second.map(({ share }) => share));
      const pictures = this.#second.length === 1 ? "1 picture shows" : `${this.#second.length} pictures show`;
      const paths = some(this.#second.map(({ path }) => path));
      lines.push(
        `warning: ${pictures} a second fruit, up to ${Math.round(largest * 100)} % as large as the one that is used: ${paths}`,
      );
    }
    if (this.#several.length > 0) {
      const files = this.#several.length === 1 ? "1 file holds" : `${this.#several.length} files hold`;
      lines.push(
        `warning: ${files} several pictures, pages or a film, and only the first is used; save each as a file of its own: ${some(this.#several)}`,
      );
    }
    if (this.passedOver.length > 0) lines.push(`warning: ${describePassedOver(this.passedOver)}`);
    return lines;
  }

  /** Writes {@link lines} to standard error. */
  print(): void {
    process.stderr.write(
      this.lines()
        .map((line) => `${line}\n`)
        .join(""),
    );
  }
}

/** How many were passed over and why, with some of their paths. */
export function describePassedOver(passedOver: readonly PassedOver[]): string {
  const count = passedOver.length;
  const folders = passedOver.filter(({ path }) => path.endsWith("/")).length;
  const what = folders === 0 ? "file" : folders === count ? "folder" : "file or folder";
  const counted = count === 1 ? `1 ${what} was` : `${count} ${what.replaceAll(/(file|folder)/g, "$1s")} were`;
  const reasons = [...Map.groupBy(passedOver, ({ path, reason }) => reason.replaceAll(path, "it"))];
  const each = reasons.map(([reason, same]) => `${reason}: ${some(same.map(({ path }) => path))}`);
  return `${counted} passed over (${each.join("; ")})`;
}

function some(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_SHOWN).join(", ");
  return texts.length > MOST_SHOWN ? `${shown} and ${texts.length - MOST_SHOWN} more` : shown;
}
