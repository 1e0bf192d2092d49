import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JournalStore } from "../../device/publish/journal-store.ts";
import { seededRandom } from "../support/random.ts";
import { draft, journalConfig } from "../support/verdicts.ts";
import { type Attack, Findings } from "./attack.ts";

const ROWS = 400;
/** The plant has these. */
const HANDED_OVER = 150;
const FILES = ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite.seq"] as const;

/** One journal as it lies on the disk: after a kill, or after an end in order. */
interface Left {
  readonly folder: string;
  readonly texts: ReadonlyMap<string, string>;
}

/** The closed journal, its log or its file of numbers is damaged in one place, and the journal is opened again. */
export const damageClosed: Attack = {
  name: "damage-closed",
  count: 1000,
  async run(count, tell) {
    const findings = new Findings();
    const root = await mkdtemp(join(tmpdir(), "gradeline-damage-"));
    try {
      const left = [leave(join(root, "killed"), false), leave(join(root, "ended"), true)];
      const random = seededRandom(7);
      for (let round = 0; round < count; round++) {
        const from = left[round % 2]!;
        const folder = join(root, "now");
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        const there = FILES.filter((name) => existsSync(join(from.folder, name)));
        for (const name of there) copyFileSync(join(from.folder, name), join(folder, name));
        const file = there[Math.floor(random() * there.length)]!;
        const what = `${round % 2 === 0 ? "killed" : "ended"}, ${damage(join(folder, file), random)} of ${file}`;
        judge(folder, from.texts, what, findings);
        if (round % 20 === 0) tell(`damage-closed ${round}/${count}`);
      }
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    return findings.result(count);
  },
};

function leave(folder: string, inOrder: boolean): Left {
  mkdirSync(folder);
  const work = `${folder}-work`;
  mkdirSync(work);
  const config = journalConfig({ path: join(work, "journal.sqlite") });
  const store = JournalStore.open(config, ["broker"]);
  const texts = new Map<string, string>();
  for (let n = 1; n <= ROWS; n += 10) {
    const entries = Array.from({ length: 10 }, (_, k) => entryOf(n + k, n + k));
    for (const { seq, payload } of entries) texts.set(String(seq), payload);
    const acks = n <= HANDED_OVER ? Array.from({ length: 10 }, (_, k) => n - 10 + k).filter((id) => id > 0) : [];
    store.commit(entries, [["broker", acks]]);
  }
  if (inOrder) store.close();
  for (const name of FILES) if (existsSync(join(work, name))) copyFileSync(join(work, name), join(folder, name));
  if (!inOrder) store.close();
  return { folder, texts };
}

function entryOf(n: number, seq: number) {
  const { v, device, lane, ...rest } = draft("a", n);
  const payload = JSON.stringify({ v, device, epoch: "0a1b2c3d", lane, seq, ...rest });
  return { lane, seq, item: rest.item, payload, decidedAt: n };
}

/** @returns what was done */
function damage(path: string, random: () => number): string {
  const bytes = readFileSync(path);
  const at = Math.floor(random() * bytes.length);
  switch (Math.floor(random() * 5)) {
    case 0:
      rmSync(path);
      return "loss";
    case 1:
      truncateSync(path, at);
      return `cut at ${at}`;
    case 2:
      bytes.fill(0, at - (at % 4096), at - (at % 4096) + 4096);
      writeFileSync(path, bytes);
      return `zeros at ${at - (at % 4096)}`;
    case 3:
      for (let k = at; k < Math.min(bytes.length, at + 512); k++) bytes[k] = Math.floor(random() * 256);
      writeFileSync(path, bytes);
      return `noise at ${at}`;
    default:
      bytes[at] = bytes[at]! ^ (1 << Math.floor(random() * 8));
      writeFileSync(path, bytes);
      return `flipped bit at ${at}`;
  }
}

/** Opens what was damaged, goes on with it, and holds what comes out against what went in. */
function judge(folder: string, texts: ReadonlyMap<string, string>, what: string, findings: Findings): void {
  const path = join(folder, "journal.sqlite");
  try {
    const store = JournalStore.open(journalConfig({ path }), ["broker"]);
    const heard = new Set<number>();
    for (let after = 0; ; ) {
      const rows = store.pending("broker", 100, after);
      for (const row of rows) {
        after = row.id;
        heard.add(row.seq);
        if (texts.get(String(row.seq)) !== row.payload) {
          findings.invented++;
          findings.wrong.push(`${what}: number ${row.seq} says something else`);
        }
      }
      if (rows.length === 0) break;
    }
    const next = (new Map(store.lanes).get("a") ?? 0) + 1;
    if (next <= ROWS && store.epoch !== undefined && !fresh(store, texts)) {
      findings.doubled++;
      findings.wrong.push(`${what}: number ${next} is given again`);
    }
    store.commit([entryOf(ROWS + 1, next)], []);
    let missing = 0;
    for (let seq = HANDED_OVER + 1; seq <= ROWS; seq++) if (!heard.has(seq)) missing++;
    const { damaged, skipped, lost } = store.stats;
    const told = damaged + lost > 0 || skipped > 0 || store.notices.length > 0;
    // Where nothing is left that could know, what is said is that there was nothing.
    if (missing > damaged && !(told && missing === ROWS - HANDED_OVER)) {
      findings.lost += missing - damaged;
      findings.wrong.push(`${what}: ${missing} missing, ${damaged} told`);
    }
    if (told) findings.told++;
    store.close();
  } catch (error) {
    findings.wrong.push(`${what}: ${(error as Error).message}`);
  }
}

/** A journal that begins anew says so by its epoch; then its numbers are others. */
function fresh(store: JournalStore, texts: ReadonlyMap<string, string>): boolean {
  const { epoch } = JSON.parse(texts.get("1")!) as { epoch: string };
  return store.epoch !== epoch && new Map(store.lanes).get("a") === undefined;
}
