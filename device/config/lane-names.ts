import { type ErrorCode, GradelineError } from "../base/errors.ts";
import type { Config, LaneConfig } from "./schema.ts";

/**
 * The lane of that name.
 *
 * @param code USAGE on the command line, REQUEST over MQTT or HTTP
 * @throws {GradelineError} `code` when no lane has this name
 */
export function laneNamed({ lanes }: Pick<Config, "lanes">, name: string, code: ErrorCode): LaneConfig {
  const lane = lanes.find(({ id }) => id === name);
  if (lane !== undefined) return lane;
  const known = lanes.map(({ id }) => id).join(", ") || "none is configured";
  throw new GradelineError(code, `there is no lane ${JSON.stringify(name)}, wanted one of: ${known}`);
}
