import type { Config } from "../config/schema.ts";

/** Name of the database in the journal; no broker of the configuration can have it. */
export const POSTGRES = "sink/postgres";

/** Names of whoever gets verdicts from the journal beside the plant's broker. */
export function sinksOf({ postgres }: Pick<Config, "postgres">): string[] {
  return postgres === undefined ? [] : [POSTGRES];
}
