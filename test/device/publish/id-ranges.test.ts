import assert from "node:assert/strict";
import { test } from "node:test";
import { IdRanges } from "../../../device/publish/id-ranges.ts";
import { seededRandom } from "../../support/random.ts";

test("a set of numbers says the same as one that keeps each by itself, whatever is added in whatever order", () => {
  const random = seededRandom(4);
  const below = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 200; round++) {
    const ranges = new IdRanges();
    const each = new Set<number>();
    for (let step = 0; step < 12; step++) {
      const from = 1 + below(40);
      const to = from + below(6) - 1;
      ranges.addRange(from, to);
      for (let id = from; id <= to; id++) each.add(id);
      if (below(2) === 0) {
        const id = 1 + below(45);
        ranges.add(id);
        each.add(id);
      }
    }
    for (let id = 0; id <= 50; id++) assert.equal(ranges.has(id), each.has(id), `${id} of ${ranges.text}`);
    assert.equal(ranges.last, Math.max(0, ...each));
    const from = below(25);
    const to = from + below(30);
    const wanted = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    assert.equal(ranges.count(from, to), wanted.filter((id) => each.has(id)).length, `${from}-${to} of ${ranges.text}`);
    const missing = [...ranges.gaps(from, to)].flatMap(([low, high]) =>
      Array.from({ length: high - low + 1 }, (_, i) => low + i),
    );
    assert.deepEqual(
      missing,
      wanted.filter((id) => !each.has(id)),
      `${from}-${to} of ${ranges.text}`,
    );
    const again = IdRanges.parse(ranges.text);
    assert.equal(again.text, ranges.text);
    const copy = ranges.copy();
    copy.addRange(1, 60);
    assert.equal(again.text, ranges.text);
    assert.equal(copy.text, "1-60");
  }
});

test("ranges that touch become one", () => {
  const ranges = new IdRanges();
  for (const [from, to] of [
    [5, 6],
    [1, 2],
    [9, 9],
    [7, 8],
  ] as const) {
    ranges.addRange(from, to);
  }
  assert.equal(ranges.text, "1-2,5-9");
  assert.deepEqual(
    [...ranges.gaps(1, 12)],
    [
      [3, 4],
      [10, 12],
    ],
  );
  assert.deepEqual([...ranges.gaps(5, 9)], []);
});

test("what is not a list of ranges in order is refused", () => {
  assert.equal(IdRanges.parse("").text, "");
  for (const text of ["3-2", "1-2,2-3", "5-6,1-2", "1", "a-b", "1-2,", "-1-2", "1-2;4-5"]) {
    assert.throws(() => IdRanges.parse(text), SyntaxError, text);
  }
});
