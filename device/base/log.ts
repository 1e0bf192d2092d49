import { fstatSync } from "node:fs";
import pino from "pino";

export type Log = pino.Logger;

/** Lowest level written; `silent` writes nothing. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** How lines are written: for programs, for a person at a terminal, or for systemd's journal. */
export type LogForm = "json" | "terminal" | "journal";

type Environment = Readonly<Record<string, string | undefined>>;

const STDERR = 2;
/** Priorities of syslog, which the journal takes from the beginning of a line: sd-daemon(3). */
const PRIORITIES: Readonly<Record<string, number>> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3, fatal: 2 };
const COLOURS: Readonly<Record<string, number>> = { warn: 33, error: 31, fatal: 31 };

/**
 * Structured log on standard error, so that standard output stays for results: one JSON object a line, readable lines
 * on a terminal, and lines with their priority in systemd's journal.
 * Fields that could carry a secret are blanked wherever they stand.
 */
export function createLog(level: LogLevel = "info", form: LogForm = logForm()): Log {
  const lines = pino.destination({ dest: STDERR, sync: true });
  // Whoever read may have gone: journald that is stopped, a terminal that is closed. Grading goes on without a log.
  lines.on("error", () => {});
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ["password", "token", "*.password", "*.token", "*.*.password"], censor: "[secret]" },
    },
    form === "json" ? lines : { write: (line) => lines.write(readable(line, form)) },
  );
}

/** Whether a terminal may be written to in colours: not where `NO_COLOR` is set (no-color.org). */
export function coloursWanted(environment: Environment = process.env): boolean {
  return (environment.NO_COLOR ?? "") === "" && environment.TERM !== "dumb";
}

/** What standard error is connected to. `JOURNAL_STREAM` may be inherited by what writes elsewhere: the file decides. */
export function logForm(environment: Environment = process.env): LogForm {
  const stream = environment.JOURNAL_STREAM;
  if (stream !== undefined) {
    try {
      const { dev, ino } = fstatSync(STDERR, { bigint: true });
      if (stream === `${dev}:${ino}`) return "journal";
    } catch {
      // It is closed: nobody reads anything.
    }
  }
  return process.stderr.isTTY === true ? "terminal" : "json";
}

/**
 * One line of the log as people read it: what happened, then its fields as `key=value`.
 *
 * @param json as pino writes it, one object
 */
export function readable(json: string, form: "terminal" | "journal"): string {
  const { level, time, msg = "", ...fields } = JSON.parse(json) as Record<string, unknown>;
  const words = Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`);
  const text = [String(msg), ...words].filter((word) => word !== "").join("  ");
  // The journal has its own time.
  if (form === "journal") return journalLines(text, String(level));
  const colour = coloursWanted() ? COLOURS[String(level)] : undefined;
  const shown = colour === undefined ? text : `\x1b[${colour}m${text}\x1b[0m`;
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${shown}\n`;
}

/** Text for the journal: each of its lines is an entry of its own there, so each says its priority. */
export function journalLines(text: string, level: string): string {
  const priority = PRIORITIES[level] ?? PRIORITIES.info;
  return text
    .split("\n")
    .map((line) => `<${priority}>${line}\n`)
    .join("");
}

function valueText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value) ?? "";
}
