import { GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";

/** @throws {GradelineError} USAGE when the command was not told which daemon it is about */
export function needConfig(config: Config | undefined, command: string): Config {
  if (config !== undefined) return config;
  throw new GradelineError("USAGE", `${command} talks to the running daemon: --config FILE is missing`, {
    hint: "name the configuration that the daemon runs with",
  });
}
