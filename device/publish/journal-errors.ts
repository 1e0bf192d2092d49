import { GradelineError } from "../base/errors.ts";

/** Primary result codes, https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended: the file ends before a page that it should have. */
const SHORT_READ = 522;

function extendedCode(error: unknown): number | undefined {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" ? code : undefined;
}

function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

/** Whether SQLite says that the file itself is damaged or no database at all. */
export function isCorruption(error: unknown): boolean {
  const cause = error instanceof GradelineError ? error.cause : error;
  const code = primaryCode(cause);
  return code === CORRUPT || code === NOTADB || extendedCode(cause) === SHORT_READ;
}

/** Whether the file is in use, or the disk is what refuses. */
export function isFault(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED || code === FULL || code === IOERR;
}

export function isFull(error: unknown): boolean {
  return primaryCode(error) === FULL;
}

/** What SQLite threw, told in the journal's words. */
export function sqliteErrorAsGradeline(error: unknown, path: string): GradelineError {
  if (error instanceof GradelineError) return error;
  switch (primaryCode(error)) {
    case BUSY:
    case LOCKED:
      return new GradelineError("JOURNAL", `${path} is in use by another daemon`, {
        hint: "stop the other one, or give this one its own `journal.path`",
        cause: error,
      });
    case FULL:
      return new GradelineError("JOURNAL", `no space left on the disk of ${path}`, {
        hint: "free space on that disk; verdicts wait in memory meanwhile",
        retry: true,
        cause: error,
      });
    case IOERR:
      return new GradelineError("JOURNAL", `the disk of ${path} refuses to write or read`, {
        hint: "check the disk, its quota and the kernel's log; verdicts wait in memory meanwhile",
        retry: true,
        cause: error,
      });
    case CORRUPT:
    case NOTADB:
      return new GradelineError("JOURNAL", `${path} is damaged`, {
        hint: "restart: the file is set aside and what can be read of it is kept",
        cause: error,
      });
    case CANTOPEN:
    case READONLY:
      return new GradelineError("JOURNAL", `${path} cannot be opened for writing`, {
        hint: "check `journal.path` and who may write there",
        cause: error,
      });
    default: {
      const message = error instanceof Error ? error.message : String(error);
      return new GradelineError("JOURNAL", `${path}: ${message}`, { cause: error });
    }
  }
}
