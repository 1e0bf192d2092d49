import { type ErrorCode, GradelineError } from "../base/errors.ts";

/**
 * The lane of that name.
 *
 * @param code USAGE on the command line, REQUEST over MQTT or HTTP
 * @throws {GradelineError} `code` when no lane has this name
 */
export function laneNamed<L extends { readonly id: string }>(
  { lanes }: { readonly lanes: readonly L[] },
  name: string,
  code: ErrorCode,
): L {
  const lane = lanes.find(({ id }) => id === name);
  if (lane !== undefined) return lane;
  const known = lanes.map(({ id }) => id).join(", ") || "none is configured";
  throw new GradelineError(code, `there is no lane ${JSON.stringify(name)}, wanted one of: ${known}`);
}
