import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseWall } from "../../../device/base/time.ts";
import type { VerdictDraft } from "../../../device/contract/messages.ts";
import { addFigures, type Figures, fruitOf, noFigures } from "../../../device/lots/figures.ts";
import { FiguresStore, figuresPath } from "../../../device/lots/figures-store.ts";
import { LotFigures } from "../../../device/lots/lot-figures.ts";
import { LotPictures } from "../../../device/lots/lot-pictures.ts";
import { readLots } from "../../../device/lots/read-figures.ts";
import { shiftOf } from "../../../device/lots/shifts.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { seededRandom } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { draft, journalConfig } from "../../support/verdicts.ts";

const OUTCOMES = ["graded", "unknown", "unsure", "empty"] as const;

/** A fruit of any outcome, grade, size, lot and product, hours after the one before. */
function anyVerdict(random: () => number, n: number): VerdictDraft {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const outcome = pick(OUTCOMES);
  const lot = pick([undefined, "1", "constructor"]);
  return {
    ...draft(pick(["a", "b"]), n * 20_000),
    item: `item-${n}`,
    outcome,
    grade: outcome === "graded" ? pick(["sound", "reject", "__proto__"]) : null,
    sizeMm: outcome === "empty" ? null : Math.round(random() * 1000) / 10,
    late: random() < 0.1,
    ...(lot === undefined ? {} : { lot }),
    ...(random() < 0.5 ? { product: pick(["juice", "table"]) } : {}),
  };
}

function sumOf(folder: string, lot: string, lane: string): Figures {
  const sum = noFigures();
  for (const span of readLots(folder).spans) {
    if (span.lot === lot && span.lane === lane) addFigures(sum, span.figures);
  }
  return sum;
}

/** The slow way, over the rows themselves. */
function assertEqualRows(folder: string, rows: readonly VerdictDraft[]): void {
  for (const lot of ["", "1", "constructor"]) {
    for (const lane of ["a", "b"]) {
      const mine = rows.filter((row) => (row.lot ?? "") === lot && row.lane === lane);
      const figures = sumOf(folder, lot, lane);
      const counts = (of: (row: VerdictDraft) => string | null | undefined): [string, number][] => {
        const names = new Set(mine.map(of).filter((name) => name != null));
        return [...names].sort().map((name) => [name, mine.filter((row) => of(row) === name).length]);
      };
      const sorted = (map: ReadonlyMap<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.equal(figures.items, mine.length);
      assert.equal(figures.late, mine.filter(({ late }) => late).length);
      assert.deepEqual(
        sorted(figures.outcomes),
        counts(({ outcome }) => outcome),
      );
      assert.deepEqual(
        sorted(figures.grades),
        counts(({ grade }) => grade),
      );
      assert.deepEqual(
        sorted(figures.products),
        counts(({ product }) => product),
      );
      assert.equal(fruitOf(figures), mine.filter(({ outcome }) => outcome !== "empty").length);
      const sized = [...figures.sizes].flatMap(([name, classes]) =>
        [...classes].map(([mm, count]) => [name, mm, count] as const),
      );
      for (const [name, mm, count] of sized) {
        const fit = mine.filter(
          ({ grade, outcome, sizeMm }) =>
            (grade ?? outcome) === name && sizeMm !== null && sizeMm >= mm && sizeMm < mm + 5,
        );
        assert.equal(count, fit.length, `${name} from ${mm} mm`);
      }
      assert.equal(
        sized.reduce((sum, [, , count]) => sum + count, 0),
        mine.filter(({ sizeMm }) => sizeMm !== null).length,
      );
      const times = mine.map(({ decidedAt }) => parseWall(decidedAt));
      assert.deepEqual(
        [figures.firstUs, figures.lastUs],
        mine.length === 0 ? [0, 0] : [Math.min(...times), Math.max(...times)],
      );
    }
  }
}

test("roll-ups equal the rows, whatever comes in whatever portions, again, and over starts", async (t) => {
  const folder = await temporaryFolder(t);
  for (let seed = 1; seed <= 4; seed++) {
    const random = seededRandom(seed);
    const own = join(folder, String(seed));
    let store = FiguresStore.open(own);
    const rows = Array.from({ length: 300 }, (_, n) => anyVerdict(random, n));
    const told = rows.map((row, index) => ({
      id: index + 1,
      lane: row.lane,
      decidedAt: parseWall(row.decidedAt),
      payload: JSON.stringify(row),
    }));
    for (let at = 0; at < told.length; ) {
      const end = Math.min(told.length, at + 1 + Math.floor(random() * 60));
      // What was not acknowledged comes again.
      store.add("epoch", told.slice(Math.max(0, at - Math.floor(random() * 30)), end), [], []);
      at = end;
      if (random() < 0.3) {
        store.close();
        store = FiguresStore.open(own);
      }
    }
    store.close();
    assertEqualRows(own, rows);
  }
});

test("what the journal has is counted once, over a stop and a start, and what is known of lots is kept", async (t) => {
  const folder = await temporaryFolder(t);
  const lots = join(folder, "lots");
  const config = journalConfig({ path: join(folder, "journal.sqlite") });
  const random = seededRandom(9);
  const rows = Array.from({ length: 120 }, (_, n) => anyVerdict(random, n));
  for (const part of [rows.slice(0, 70), rows.slice(70)]) {
    const figures = await LotFigures.open(lots);
    const journal = await Journal.open(config, { sinks: [figures.sink] });
    figures.follow(journal.cursor(figures.sink), () => journal.epoch);
    await Promise.all(part.map((row) => journal.append(row)));
    figures.describe([{ id: "1", grower: "Huber" }]);
    figures.addDowntime({ lot: "1", lane: "a", atUs: 1_790_000_000_000_000, code: "paused", seconds: 1.5 });
    await figures.settled();
    assert.equal(journal.cursor(figures.sink).stats.depth, 0);
    await figures.close();
    await journal.close();
  }
  assertEqualRows(lots, rows);
  const { lots: known, grades } = readLots(lots);
  assert.deepEqual([known.get("1"), grades], [{ id: "1", grower: "Huber" }, ["sound", "second", "reject"]]);
  assert.equal(sumOf(lots, "1", "a").downtime.get("paused"), 3);
});

test("figures that are damaged are set aside, and what the journal still keeps is counted again", async (t) => {
  const folder = await temporaryFolder(t);
  const config = journalConfig({ path: join(folder, "journal.sqlite") });
  const rows = Array.from({ length: 20 }, (_, n) => ({ ...draft("a", n), lot: "1" }));
  const sinks = new Set<string>();
  for (const _ of ["first", "damaged"]) {
    const figures = await LotFigures.open(folder);
    sinks.add(figures.sink);
    const journal = await Journal.open(config, { sinks: [figures.sink] });
    figures.follow(journal.cursor(figures.sink), () => journal.epoch);
    if (sinks.size === 1) await Promise.all(rows.map((row) => journal.append(row)));
    await figures.settled();
    await figures.close();
    await journal.close();
    if (sinks.size === 1) await writeFile(figuresPath(folder), "no database, but long enough to look like one");
  }
  assert.equal(sinks.size, 2);
  assertEqualRows(folder, rows);
});

test("a shift that lasts over midnight belongs to the day on which it began", () => {
  const shifts = [
    { name: "late", from: "14:00" },
    { name: "early", from: "05:30" },
    { name: "night", from: "22:15" },
  ];
  const at = (hour: number, minute: number): number => new Date(2026, 10, 23, hour, minute).getTime() * 1000;
  assert.deepEqual(
    [at(5, 29), at(5, 30), at(13, 59), at(14, 0), at(22, 14), at(22, 15)].map((us) => shiftOf(us, shifts)),
    [
      ["2026-11-22 night", "2026-11-23 early", "2026-11-23 early"],
      ["2026-11-23 late", "2026-11-23 late", "2026-11-23 night"],
    ].flat(),
  );
  assert.equal(shiftOf(at(1, 0), []), "2026-11-23");
});

test("the worst fruit of a grade are those with the least margin, the typical those nearest to the mean", () => {
  const pictures = new LotPictures();
  const margins = [0.5, 0.52, 0.48, 0.1, 0.9, 0.5, 0.05, 0.51, 0.95, 0.02];
  const kept = new Map<string, number>();
  for (const margin of margins) {
    for (const { kind, place } of pictures.places("1", "sound", margin)) kept.set(`${kind} ${place}`, margin);
  }
  const of = (kind: string) => [0, 1, 2].map((place) => kept.get(`${kind} ${place}`)!).sort();
  assert.deepEqual(of("worst"), [0.02, 0.05, 0.1]);
  assert.ok(
    of("typical").every((margin) => margin > 0.4 && margin < 0.6),
    of("typical").join(),
  );
});
