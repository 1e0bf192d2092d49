import { z } from "zod";

/**
 * A JSON object whose keys are names that people chose, as a Map. As an object it would answer for `constructor` and
 * `toString`, whether or not anybody chose that name.
 */
export function mapSchema<K extends z.ZodType<string>, V extends z.ZodType>(key: K, value: V) {
  const isObject = (found: unknown): found is object =>
    typeof found === "object" && found !== null && !Array.isArray(found) && !(found instanceof Map);
  return z.preprocess((found) => (isObject(found) ? new Map(Object.entries(found)) : found), z.map(key, value));
}

/** For `JSON.stringify`: writes maps as the objects that {@link mapSchema} reads. */
export function mapsAsObjects(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
