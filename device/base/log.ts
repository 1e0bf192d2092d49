import pino from "pino";

export type Log = pino.Logger;

/** Lowest level written; `silent` writes nothing. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/**
 * Structured log on standard error, one JSON object a line, so that standard output stays for results.
 * Fields that could carry a secret are blanked wherever they stand.
 */
export function createLog(level: LogLevel = "info"): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ["password", "token", "*.password", "*.token", "*.*.password"], censor: "[secret]" },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
