import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import { type Config, type SourceConfig, sourceSchema } from "../../device/config/schema.ts";

/** How a command is told a camera. */
export interface SourceOptions {
  readonly camera?: string;
  readonly source?: string;
}

/** Adds the options that name a camera. */
export function sourceOptions(command: Command): Command {
  return command
    .option("--config <file>", "the daemon's configuration, whose camera is used")
    .option("--camera <id>", "which of its cameras, where it has several")
    .option("--source <yaml>", "a source as in the configuration, instead: '{kind: gst, preset: usb}'");
}

/**
 * The source that a command's options name.
 *
 * @param command for the hint
 * @throws {GradelineError} USAGE or CONFIG with what is wanted instead
 */
export async function sourceOf(
  config: Config | undefined,
  { camera, source }: SourceOptions,
  command: string,
): Promise<SourceConfig> {
  if (source !== undefined) {
    if (config !== undefined) throw new GradelineError("USAGE", "found both --source and --config, wanted one of them");
    return parseSource(source);
  }
  if (config === undefined) {
    throw new GradelineError("USAGE", "found neither --config nor --source, wanted one of them", {
      hint: `gradeline-calibrate ${command} --help`,
    });
  }
  const ids = config.cameras.map(({ id }) => id).join(", ");
  if (camera === undefined && config.cameras.length > 1) {
    throw new GradelineError("USAGE", `the configuration has the cameras ${ids}`, { hint: "name one: --camera ID" });
  }
  const found = camera === undefined ? config.cameras[0] : config.cameras.find(({ id }) => id === camera);
  if (found === undefined) throw new GradelineError("USAGE", `there is no camera ${camera}, wanted one of: ${ids}`);
  return found.source;
}

async function parseSource(text: string): Promise<SourceConfig> {
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new GradelineError("CONFIG", `--source is not YAML: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  const parsed = sourceSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
  throw new GradelineError("CONFIG", `--source: ${problems.join("; ")}`, {
    hint: "as under `source:` in systemd/gradeline.example.yaml, e.g. '{kind: gst, preset: usb}'",
  });
}

/** A camera that is not there can be waited for by Ctrl-C alone; what opens afterwards is closed again. */
export async function untilStopped(opening: Promise<FrameSource>, stop: AbortSignal): Promise<FrameSource> {
  const stopped = Promise.withResolvers<never>();
  const abort = (): void => stopped.reject(stop.reason);
  stop.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([opening, stopped.promise]);
  } catch (error) {
    void opening.then((source) => source.close()).catch(() => {});
    throw error;
  } finally {
    stop.removeEventListener("abort", abort);
  }
}
