import { access, constants, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "../../device/config/schema.ts";
import { recipesFolder } from "../../device/recipes/bundle/installed.ts";
import { queueFolder } from "../../device/teach/teaching.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";
import { checkHistory } from "./history.ts";

const LOW_BYTES = 1e9;
const FULL_BYTES = 100e6;

interface Place {
  readonly what: string;
  readonly folder: string;
  /** Most that will be written there. */
  readonly bytes: number;
}

/** Whether what must be kept can be: the folders are there or can be made, may be written to, and have room. */
export async function checkDisk(config: Config | undefined, gallery: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const place of placesOf(config, gallery)) findings.push(await checkPlace(place));
  if (config !== undefined) findings.push(checkHistory(config));
  return findings;
}

function placesOf(config: Config | undefined, gallery: string): Place[] {
  const places = [{ what: "gallery", folder: gallery, bytes: 0 }];
  if (config === undefined) return places;
  const { journal, queue, cameras } = config;
  places.push({ what: "journal", folder: dirname(journal.path), bytes: journal.maxBytes });
  places.push({ what: "unknown queue", folder: queueFolder(config), bytes: queue.maxBytes });
  if (config.recipes.trust.length > 0) places.push({ what: "recipes", folder: recipesFolder(config), bytes: 0 });
  for (const { id, record } of cameras) {
    if (record === undefined) continue;
    places.push({ what: `recording of ${id}`, folder: join(record.path, id), bytes: record.maxBytes });
  }
  return places;
}

async function checkPlace({ what, folder, bytes }: Place): Promise<Finding> {
  const there = await nearest(folder);
  try {
    await access(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    const readOnly = (error as NodeJS.ErrnoException).code === "EROFS";
    const todo = readOnly
      ? "the disk is mounted read-only"
      : `chown gradeline ${there}, or run this as the service's user`;
    return problem(`${what}: ${there} may not be written to`, todo);
  }
  const { bavail, bsize, ffree, files } = await statfs(there);
  const free = bavail * bsize;
  const text = `${what}: ${folder}${there === folder ? "" : " (will be made)"}, ${(free / 1e9).toFixed(1)} GB free`;
  if (free < FULL_BYTES || (files > 0 && ffree === 0)) return problem(text, "make room");
  if (free < LOW_BYTES) return warning(text, "make room");
  if (free < bytes) return warning(text, `up to ${(bytes / 1e9).toFixed(1)} GB are to be kept there`);
  return ok(text);
}

/** The folder itself, or the nearest above it that exists. */
async function nearest(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  if (found !== undefined || dirname(folder) === folder) return folder;
  return nearest(dirname(folder));
}
