/** Microseconds since the Unix epoch. A double holds them exactly until the year 2255. */
export type Micros = number;

const originUs = performance.timeOrigin * 1000;

/** Now, with the resolution of the monotonic clock. */
export function nowMicros(): Micros {
  return Math.round(originUs + performance.now() * 1000);
}

/**
 * RFC 3339 in UTC with microseconds, e.g. `2026-11-23T15:04:05.123456Z`.
 *
 * @param us microseconds since the Unix epoch
 */
export function formatMicros(us: Micros): string {
  const ms = Math.floor(us / 1000);
  const rest = String(Math.round(us - ms * 1000)).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}Z`;
}

/** The reverse of {@link formatMicros}; NaN where the text is no such time. */
export function parseMicros(text: string): Micros {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text);
  if (match === null) return Number.NaN;
  return Date.parse(`${match[1]}Z`) * 1000 + Number((match[2] ?? "").padEnd(6, "0"));
}
