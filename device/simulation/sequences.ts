import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { GradelineError } from "../base/errors.ts";
import { isImageName, naturalOrder, systemFolder } from "../capture/names.ts";

/** Pictures of one real fruit that turns before a white background. */
export interface Sequence {
  readonly grade: string;
  readonly item: string;
  /** In the order of turning. */
  readonly files: readonly string[];
}

export interface SequenceFolder {
  readonly grades: readonly string[];
  readonly sequences: readonly Sequence[];
}

/**
 * Lists DIR/GRADE/ITEM/*.jpg in natural order. `unknown` is the folder of what belongs to no grade.
 *
 * @param individuals which items of each grade to take, counted from 0
 * @throws {GradelineError} SOURCE when the folder cannot be read, SOURCE_EMPTY when no image lies there
 */
export function listSequences(folder: string, individuals: "all" | "even" | "odd" = "all"): SequenceFolder {
  const sequences: Sequence[] = [];
  for (const grade of folders(folder)) {
    for (const [index, item] of folders(join(folder, grade)).entries()) {
      if (individuals !== "all" && (index % 2 === 0) !== (individuals === "even")) continue;
      const at = join(folder, grade, item);
      const files = list(at)
        .filter((entry) => entry.isFile() && isImageName(entry.name))
        .map((entry) => join(at, entry.name))
        .sort(naturalOrder);
      if (files.length > 0) sequences.push({ grade, item, files });
    }
  }
  if (sequences.length === 0) {
    throw new GradelineError("SOURCE_EMPTY", `no turning sequence of fruit in ${folder}`, {
      hint: "put the images of each fruit into GRADE/ITEM/ below it, named in the order of turning",
    });
  }
  return { grades: [...new Set(sequences.map(({ grade }) => grade))], sequences };
}

function folders(at: string): string[] {
  return list(at)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && systemFolder(entry.name) === undefined)
    .map((entry) => entry.name)
    .sort(naturalOrder);
}

function list(at: string): Dirent[] {
  try {
    return readdirSync(at, { withFileTypes: true });
  } catch (cause) {
    throw new GradelineError("SOURCE", `cannot list the folder of fruit ${at}`, {
      hint: "`fruit` names a folder GRADE/ITEM/*.jpg that the daemon may read",
      cause,
    });
  }
}
