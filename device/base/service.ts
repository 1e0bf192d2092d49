import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** By its own place: a service may start anywhere. */
export const SHIPPED_MODEL = fileURLToPath(new URL("../../models/embedder.json", import.meta.url));

type Environment = Readonly<Record<string, string | undefined>>;

/** Folders of the service as its unit has them; systemd names them to what it starts. */
const FOLDERS = {
  STATE_DIRECTORY: "/var/lib/gradeline",
  CACHE_DIRECTORY: "/var/cache/gradeline",
  RUNTIME_DIRECTORY: "/run/gradeline",
  CONFIGURATION_DIRECTORY: "/etc/gradeline",
  CREDENTIALS_DIRECTORY: "/run/credentials/gradeline.service",
} as const;

export type ServiceFolder = keyof typeof FOLDERS;

/**
 * A folder of the service: the one that systemd names, else the one that the unit has. So a command started by hand
 * reads the same files as the daemon.
 */
export function serviceFolder(kind: ServiceFolder, environment: Environment = process.env): string {
  return givenFolder(kind, environment) ?? FOLDERS[kind];
}

/** The folder that systemd names; undefined where it did not start us. */
export function givenFolder(kind: ServiceFolder, environment: Environment = process.env): string | undefined {
  // A unit may list several, with a colon between them: the first is meant.
  return environment[kind]?.split(":")[0] || undefined;
}

/** The configuration that is read where none is named; undefined where systemd does not say. */
export function givenConfig(environment: Environment = process.env): string | undefined {
  const folder = givenFolder("CONFIGURATION_DIRECTORY", environment);
  return folder === undefined ? undefined : join(folder, "gradeline.yaml");
}

/** Compiled code outlives a start in the service's cache; undefined: where Node puts it. */
export function compileCache(environment: Environment = process.env): string | undefined {
  const folder = givenFolder("CACHE_DIRECTORY", environment);
  return environment.NODE_COMPILE_CACHE || (folder === undefined ? undefined : join(folder, "compiled"));
}

/** Temporary files go to the service's runtime folder: it can be written to where the root file system cannot. */
export function useRuntimeFolder(environment: Record<string, string | undefined> = process.env): void {
  const folder = givenFolder("RUNTIME_DIRECTORY", environment);
  if (folder !== undefined) environment.TMPDIR ??= folder;
}
