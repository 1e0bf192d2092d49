import { access, constants, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GradelineError } from "../../base/errors.ts";

/** A folder of our own with a plain name, removed with all that is in it. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * node-libcamera knows the programs by their older names. Where only the newer ones are, the older names are made to
 * point to them in `folder`.
 *
 * @param path the search path
 * @returns the search path to use
 * @throws {GradelineError} SOURCE when neither is installed
 */
export async function searchPath(program: "vid" | "still", folder: string, path: string): Promise<string> {
  if ((await find(`libcamera-${program}`, path)) !== undefined) return path;
  const newer = await find(`rpicam-${program}`, path);
  if (newer === undefined) {
    throw new GradelineError("SOURCE", `neither rpicam-${program} nor libcamera-${program} is installed`, {
      hint: "apt-get install rpicam-apps (Raspberry Pi OS); elsewhere a `gst` camera with `pipeline: libcamerasrc`",
    });
  }
  await symlink(newer, join(folder, `libcamera-${program}`));
  return `${folder}:${path}`;
}

async function find(program: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(":")) {
    const file = join(folder === "" ? "." : folder, program);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

/**
 * Ends the programs whose command line holds a path that is ours alone. node-libcamera gives no handle to what it
 * starts.
 */
export async function killHolders(path: string, signal: NodeJS.Signals): Promise<void> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const words = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (!words.includes(path)) continue;
    try {
      process.kill(Number(name), signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

interface Cause {
  readonly pattern: RegExp;
  readonly hint: string;
}

const CAUSES: readonly Cause[] = [
  { pattern: /no cameras available/i, hint: "check the ribbon cable; rpicam-hello --list-cameras lists cameras" },
  {
    pattern: /failed to acquire camera|in use by another process|device or resource busy/i,
    hint: "another program holds the camera",
  },
  { pattern: /unrecognised option|unknown option/i, hint: "the installed camera programs are of another version" },
  { pattern: /permission denied/i, hint: "let the service's user use the camera: group video" },
];

/** Why a program ended, out of the error that node-libcamera passes on. */
export function programFailed(program: string, error: unknown): GradelineError {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("Command failed"));
  const said = (
    lines.findLast((line) => /error|fail|no camera/i.test(line)) ??
    lines.at(-1) ??
    "it said nothing"
  ).slice(0, 300);
  const hint = CAUSES.find(({ pattern }) => pattern.test(text))?.hint;
  const details = { retry: true, cause: error, hint };
  return new GradelineError("SOURCE", `${program} ended: ${said}`, details);
}
