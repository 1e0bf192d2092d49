import { isDeepStrictEqual } from "node:util";
import { asGradelineError } from "../base/errors.ts";
import type { Log, LogLevel } from "../base/log.ts";
import { loadConfig } from "../config/file.ts";
import type { Config } from "../config/schema.ts";
import { checkBrokerFiles } from "../publish/link.ts";

/** The parts of a running daemon that take a change. */
export interface Reloadable {
  /** As it runs; what can change is changed in it. */
  readonly config: Config;
  readonly log: Log;
  /** Reads the gallery again. */
  gallery(): Promise<unknown>;
  /** Makes the connection to the broker anew, by what `config.mqtt` says now. */
  reconnect(): void;
}

/** Keys that are read where they are used, so that a change of them needs no restart. */
const LIVE = {
  queue: ["maxItems", "maxBytes"],
  products: ["outlets", "rules"],
  recipes: ["trust", "keep"],
  mqtt: ["url", "urls", "protocol", "clientId", "username", "password", "ca", "cert", "key", "keepaliveS"],
  log: ["level"],
} as const;

export interface Reloaded {
  /** Keys whose change holds now. */
  readonly taken: readonly string[];
  /** Keys whose change holds from the next start on. */
  readonly restart: readonly string[];
}

/**
 * Reads the configuration and the gallery again. What can change while fruit pass changes; the rest is told, by its
 * key. A configuration that is wrong changes nothing.
 *
 * @returns undefined where it was wrong
 */
export async function reload(path: string, parts: Reloadable): Promise<Reloaded | undefined> {
  const { config, log } = parts;
  try {
    const next = await loadConfig(path);
    for (const broker of [next.mqtt, ...next.brokers]) await checkBrokerFiles(broker, config.device);
    const taken: string[] = [];
    for (const [group, keys] of Object.entries(LIVE))
      taken.push(...take(config, next, group as keyof typeof LIVE, keys));
    if (taken.includes("log.level")) log.level = config.log.level satisfies LogLevel;
    if (taken.some((key) => key.startsWith("mqtt."))) parts.reconnect();
    const restart = changes(config, next);
    if (restart.length > 0) log.warn({ keys: restart }, "the configuration has changes that need a restart");
    log.info({ changed: taken }, "configuration read again");
    await readGallery(parts);
    return { taken, restart };
  } catch (error) {
    const { message, hint } = asGradelineError(error);
    log.error({ hint }, `the configuration is not taken, the old one holds: ${message}`);
    return undefined;
  }
}

async function readGallery({ gallery, log }: Reloadable): Promise<void> {
  try {
    await gallery();
  } catch (error) {
    const { message, hint } = asGradelineError(error);
    log.error({ hint }, `the gallery is not taken, the old one holds: ${message}`);
  }
}

/** @returns keys that were changed */
function take(config: Config, next: Config, group: keyof typeof LIVE, keys: readonly string[]): string[] {
  const [now, then] = [config[group], next[group]] as Record<string, unknown>[];
  const changed = keys.filter((key) => !isDeepStrictEqual(now![key], then![key]));
  for (const key of changed) now![key] = then![key];
  return changed.map((key) => `${group}.${key}`);
}

/**
 * Keys in which two configurations differ, as people write them: `lanes[0].gateMm`.
 *
 * @param at key of the part that is compared
 */
export function changes(before: unknown, after: unknown, at = ""): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  const inner = innerOf(before, after);
  if (inner === undefined) return [at];
  return inner.flatMap(([key, old, new_]) => {
    const part = typeof key === "number" ? `${at}[${key}]` : at === "" ? key : `${at}.${key}`;
    return changes(old, new_, part);
  });
}

/** What lies in both, pair by pair; undefined where they are no two maps and no two lists of one length. */
function innerOf(before: unknown, after: unknown): [key: string | number, unknown, unknown][] | undefined {
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.length === after.length ? before.map((value, index) => [index, value, after[index]]) : undefined;
  }
  if (!isMap(before) || !isMap(after)) return undefined;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].map((key) => [key, before[key], after[key]]);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
