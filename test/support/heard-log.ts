import { Writable } from "node:stream";
import pino from "pino";
import type { Log, LogLevel } from "../../device/base/log.ts";

/** A log whose lines a test can read. */
export function hearLog(level: LogLevel = "debug"): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: pino({ level }, stream), lines };
}
