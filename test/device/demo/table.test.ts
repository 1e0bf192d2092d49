import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { renderTable, Table, type TableFooter, type TableRow } from "../../../device/demo/table.ts";
import { draft, STORED } from "../../support/verdicts.ts";

const FOOTER: TableFooter = {
  passed: 12,
  wanted: 40,
  missed: 0,
  double: 1,
  agreement: 0.875,
  ackMs: { p50: 21.04, p99: 48.5 },
  page: "http://127.0.0.1:8080/",
  broker: "mqtt://127.0.0.1:1883",
  state: "online",
};
const NONE = { graded: 0, unknown: 0, unsure: 0, foreign: 0, empty: 0, "no-image": 0 };
const ROWS: TableRow[] = [
  {
    lane: "belt",
    items: 1234,
    outcomes: { graded: 1200, unknown: 30, unsure: 0, foreign: 0, empty: 4, "no-image": 0 },
    grades: new Map([["sound", 1200]]),
    perMinute: 280,
    late: 0,
    last: { ...draft("belt", 1), ...STORED, seq: 1234 },
  },
  { lane: "cups", items: 0, outcomes: NONE, grades: new Map(), perMinute: 0, late: 0, last: undefined },
];

test("each lane has a row with a number in every column, aligned under its title", () => {
  const [head, belt, cups, empty, ...rest] = renderTable(ROWS, ["sound", "reject"], FOOTER).split("\n");
  assert.equal(head, "lane  items  /min  sound  reject  unknown  unsure  empty  no-image  late  last verdict");
  assert.equal(
    belt,
    "belt   1234   280   1200       0       30       0      4         0     0  #1234 sound margin 0.42 72 mm (9 views)",
  );
  assert.equal(cups, "cups      0     0      0       0        0       0      0         0     0  -");
  assert.equal(empty, "");
  assert.deepEqual(rest, [
    "passed 12 of 40   missed 0   double 1   agreement 87.5 %   exposure to acknowledgement p50 21.0 ms, p99 48.5 ms",
    "online   page http://127.0.0.1:8080/   broker mqtt://127.0.0.1:1883   Ctrl-C stops",
  ]);
});

test("a verdict without grade, margin and size is told by its outcome", () => {
  const last = {
    ...draft("cups", 1),
    ...STORED,
    seq: 3,
    outcome: "empty",
    grade: null,
    margin: null,
    sizeMm: null,
    views: 0,
  } as const;
  const text = renderTable([{ ...ROWS[1]!, last: { ...last, grades: [] } }], [], { ...FOOTER, wanted: undefined });
  assert.match(text, /#3 empty \(0 views\)$/m);
  assert.match(text, /^passed 12 {3}missed/m);
});

test("on a terminal a table takes the place of the one before; a file gets none", () => {
  const written = (isTTY: boolean): string => {
    const out = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream & PassThrough;
    const table = new Table(out);
    table.draw(ROWS, ["sound"], FOOTER);
    table.draw(ROWS, ["sound"], FOOTER);
    return String(out.read() ?? "");
  };
  assert.equal(written(false), "");
  const lines = renderTable(ROWS, ["sound"], FOOTER).split("\n").length;
  const text = written(true);
  assert.equal(text.split("lane  items").length, 3);
  assert.ok(text.includes(`\u001b[${lines}A`), "up by as many lines as the table has");
  assert.ok(text.includes("\u001b[0J"), "what was below is gone");
});

for (const columns of [60, 80, 120]) {
  test(`no line is longer than a terminal of ${columns} columns, and the figures stay`, () => {
    const slow =
      "this machine is too slow: 30 % of the frames were dropped, 4 verdicts were late: close other programs";
    const lines = renderTable(ROWS, ["sound", "reject"], { ...FOOTER, slow }, columns).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.length > columns),
      [],
    );
    const text = lines.join(" ").replaceAll(/\s+/g, " ");
    for (const part of ["passed 12 of 40", "agreement 87.5 %", "page http://127.0.0.1:8080/", slow]) {
      assert.ok(text.includes(part), part);
    }
  });
}
