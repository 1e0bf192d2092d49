import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { report } from "../../device/base/run.ts";
import { loadConfig } from "../../device/config/file.ts";
import type { Config } from "../../device/config/schema.ts";
import { PLANT } from "../../device/publish/journal-file.ts";
import { recipesFolder } from "../../device/recipes/bundle/installed.ts";
import { driftFile } from "../../device/teach/drift/drift.ts";
import { queueFolder } from "../../device/teach/teaching.ts";

/*
 * What the package's scripts do with the daemon's state when one version takes the place of another.
 *
 *   state.ts keep CONFIG FOLDER            copies everything but the journal, beside the running daemon
 *   state.ts keep-journal CONFIG FOLDER    copies the journal, once the daemon stands still
 *   state.ts back CONFIG FOLDER            makes the state one that the version of the copy can read
 */

/** A part of the state, and how to tell which format it has. */
export interface Part {
  readonly name: "journal" | "gallery" | "queue" | "recipes" | "drift";
  readonly path: string;
}

const MAGIC_BYTES = 8;
const NO_FORMAT = "none";

export function partsOf(config: Config): readonly Part[] {
  return [
    { name: "journal", path: config.journal.path },
    { name: "gallery", path: config.gallery },
    { name: "queue", path: queueFolder(config) },
    { name: "recipes", path: recipesFolder(config) },
    { name: "drift", path: driftFile(config) },
  ];
}

/**
 * Copies parts into a folder; the copy stands for itself, and takes the place of an older one once it is whole.
 *
 * @throws where something cannot be copied
 */
export function keep(parts: readonly Part[], folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  for (const { name, path } of parts) {
    const to = join(folder, name);
    const begun = `${to}.begun`;
    rmSync(begun, { recursive: true, force: true });
    try {
      if (existsSync(path)) copyPart(name, path, begun);
    } catch (error) {
      rmSync(begun, { recursive: true, force: true });
      throw error;
    }
    rmSync(to, { recursive: true, force: true });
    if (existsSync(begun)) renameSync(begun, to);
  }
}

function copyPart(name: Part["name"], path: string, to: string): void {
  if (name !== "journal") {
    copy(path, to);
    return;
  }
  mkdirSync(to);
  for (const each of journalFiles(path)) copy(each, join(to, each.slice(dirname(path).length + 1)));
}

/**
 * Makes the state one that the version which left the copy can read: where a part has another format by now, the copy
 * takes its place. A copy that cannot be read takes nobody's place. The journal's copy is filled with what the journal holds today first: no number is given twice, and
 * no verdict is forgotten.
 *
 * @returns names of the parts that were taken from the copy
 */
export function goBack(parts: readonly Part[], folder: string): string[] {
  const taken: string[] = [];
  for (const { name, path } of parts) {
    const copied = name === "journal" ? join(folder, name, path.slice(dirname(path).length + 1)) : join(folder, name);
    if (!existsSync(copied) || !existsSync(path)) continue;
    const format = formatOf(name, copied);
    if (format === NO_FORMAT || format === formatOf(name, path)) continue;
    const aside = `${path}.newer`;
    if (name === "journal") fill(copied, path);
    rmSync(aside, { recursive: true, force: true });
    renameSync(path, aside);
    if (name === "journal") for (const each of journalFiles(path)) rmSync(each);
    copy(copied, path);
    taken.push(name);
  }
  return taken;
}

/** Says which format a part has; what cannot be read has none that is known. */
export function formatOf(name: Part["name"], path: string): string {
  try {
    switch (name) {
      case "journal":
        return withDatabase(path, true, (db) => String(Object.values(db.prepare("PRAGMA user_version").get()!)[0]));
      case "gallery":
        return magicOf(join(path, "gallery.bin"));
      case "queue":
        return versionOf(firstOf(path, ".json"));
      case "recipes":
        return versionOf(join(path, "state.json"));
      case "drift":
        return versionOf(path);
    }
  } catch {
    return NO_FORMAT;
  }
}

function versionOf(path: string): string {
  return String((JSON.parse(readFileSync(path, "utf8")) as { v?: unknown }).v);
}

function magicOf(path: string): string {
  const bytes = Buffer.alloc(MAGIC_BYTES);
  const file = openSync(path, "r");
  try {
    readSync(file, bytes);
  } finally {
    closeSync(file);
  }
  return bytes.toString("latin1");
}

function firstOf(folder: string, ending: string): string {
  const name = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((each) => each.endsWith(ending));
  if (name === undefined) throw new Error(`nothing ends with ${ending} in ${folder}`);
  return join(folder, name);
}

/** What the newer journal holds goes into the copy of the older one. */
function fill(older: string, newer: string): void {
  withDatabase(older, false, (db) => {
    db.exec(`ATTACH DATABASE '${newer.replaceAll("'", "''")}' AS newer`);
    db.exec("BEGIN");
    if (formatOf("journal", older) === "1") fillFirst(db);
    else fillShared(db);
    db.exec("COMMIT");
  });
}

/** Format 1, up to version 0.5.0: every row knows whether the broker has it. Since then every receiver knows its rows. */
function fillFirst(db: DatabaseSync): void {
  db.exec(`DELETE FROM main.verdicts; DELETE FROM main.lanes;
    INSERT OR IGNORE INTO main.verdicts(id, lane, seq, item, payload, createdAt, acked)
      SELECT id, lane, seq, item, payload, decidedAt, 0 FROM newer.verdicts ORDER BY id;
    INSERT INTO main.lanes SELECT lane, seq FROM newer.lanes`);
  const broker = db.prepare("SELECT ranges, dropped FROM newer.sinks WHERE sink = ?").get(PLANT);
  if (broker === undefined) return;
  const acked = db.prepare("UPDATE main.verdicts SET acked = 1 WHERE id BETWEEN ? AND ?");
  for (const range of String(broker.ranges).split(",").filter(Boolean)) acked.run(...range.split("-").map(Number));
  db.prepare("UPDATE main.meta SET value = ? WHERE key = 'dropped'").run(Number(broker.dropped));
}

/** Rows of the tables and columns that both formats have. */
function fillShared(db: DatabaseSync): void {
  for (const table of tablesOf(db, "main")) {
    const there = new Set(columnsOf(db, "newer", table));
    const shared = columnsOf(db, "main", table).filter((column) => there.has(column));
    if (shared.length === 0) continue;
    const columns = shared.map((column) => `"${column}"`).join(", ");
    db.exec(`DELETE FROM main."${table}"`);
    db.exec(`INSERT INTO main."${table}" (${columns}) SELECT ${columns} FROM newer."${table}"`);
  }
}

function tablesOf(db: DatabaseSync, schema: string): string[] {
  const rows = db.prepare(`SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`);
  return rows.all().map((row) => String(row.name));
}

function columnsOf(db: DatabaseSync, schema: string, table: string): string[] {
  const rows = db.prepare("SELECT name FROM pragma_table_info(?, ?)").all(table, schema);
  return rows.map((row) => String(row.name));
}

function withDatabase<T>(path: string, readOnly: boolean, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path, { readOnly });
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** SQLite's own files beside the journal are part of it. */
function journalFiles(path: string): string[] {
  return ["", "-wal", "-shm"].map((ending) => `${path}${ending}`).filter((each) => existsSync(each));
}

/**
 * With owner, mode and times; without doubling the bytes where the file system can share them. What the daemon takes
 * away meanwhile is no part of the state any more.
 */
function copy(from: string, to: string): void {
  const { status, stderr, error } = spawnSync("cp", ["-a", "--reflink=auto", "--", from, to], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (error !== undefined) throw new Error(`cp cannot be run: ${error.message}`);
  const failed = stderr.split("\n").filter((line) => line !== "" && !line.endsWith(": No such file or directory"));
  if (failed.length > 0 || (status !== 0 && !existsSync(to))) throw new Error(failed[0] ?? stderr.trim());
}

if (import.meta.main) {
  const [what = "", config = "", folder = ""] = process.argv.slice(2);
  try {
    const parts = partsOf(await loadConfig(config));
    const journal = parts.filter(({ name }) => name === "journal");
    if (what === "keep")
      keep(
        parts.filter(({ name }) => name !== "journal"),
        folder,
      );
    else if (what === "keep-journal") keep(journal, folder);
    else if (what === "back") for (const name of goBack(parts, folder)) process.stdout.write(`${name} as it was\n`);
    else throw new Error(`found ${what}, wanted keep, keep-journal or back`);
  } catch (error) {
    process.exitCode = report(error);
  }
}
