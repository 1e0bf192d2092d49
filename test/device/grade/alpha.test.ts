import assert from "node:assert/strict";
import { test } from "node:test";
import { Grader } from "../../../device/grade/grader.ts";
import { eitherTestInterval, turnedAwayInterval } from "../../support/beta-binomial.ts";
import { fruitLikeReference, galleryOf, MADE_MODEL } from "../../support/gallery-made.ts";

const ENROLLED = 199;
const NEVER_ENROLLED = 1000;
const VIEWS = 6;
const DIMENSION = 32;
const MODEL = { ...MADE_MODEL, dimension: DIMENSION };

/** How many of 1,000 drawn good items that were never enrolled get no grade by the n-th gallery of such items. */
function turnedAway(alpha: number, n = 0, items = NEVER_ENROLLED): number {
  const draw = (seed: number) => fruitLikeReference(n * 1_000_000 + seed, "sound", VIEWS, DIMENSION);
  const enrolled = Array.from({ length: ENROLLED }, (_, item) => draw(item + 1));
  const grader = Grader.from(galleryOf(enrolled, MODEL), alpha);
  let away = 0;
  for (let item = 0; item < items; item++) {
    if (grader.grade(draw(ENROLLED + 1 + item).embeddings, VIEWS).grade === null) away++;
  }
  return away;
}

for (const alpha of [0.05, 0.1]) {
  test(`of 1,000 good items never enrolled about the share ${alpha} that was asked for is called unknown`, (context) => {
    const [least, most] = eitherTestInterval(ENROLLED, alpha, NEVER_ENROLLED);
    const away = turnedAway(alpha);
    context.diagnostic(`alpha ${alpha}: ${away} of ${NEVER_ENROLLED} called unknown, theory gives ${least} to ${most}`);
    assert.ok(least <= away && away <= most, `${away} called unknown, wanted ${least} to ${most}`);
  });

  test(`on the mean over galleries no more than the share ${alpha} is called unknown, and more than half of it`, (context) => {
    const items = 200;
    const shares = Array.from({ length: 20 }, (_, n) => turnedAway(alpha, n + 1, items) / items);
    const mean = shares.reduce((sum, value) => sum + value, 0) / shares.length;
    const variance = shares.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (shares.length - 1);
    const noise = 2 * Math.sqrt(variance / shares.length);
    context.diagnostic(`alpha ${alpha}: ${mean.toFixed(4)} ± ${noise.toFixed(4)} over ${shares.length} galleries`);
    assert.ok(mean - noise <= alpha, `${mean} called unknown`);
    assert.ok(mean + noise >= alpha / 2, `${mean} called unknown`);
  });
}

test("a gallery fitted for five times the share is found out by the same interval", () => {
  const [, most] = eitherTestInterval(ENROLLED, 0.05, NEVER_ENROLLED);
  assert.ok(turnedAway(0.25) > most);
});

test("the interval of the theory narrows with the calibration items and holds their share", () => {
  const [few, fewMost] = turnedAwayInterval(19, 0.05, 1000, 0.025);
  const [many, manyMost] = turnedAwayInterval(1999, 0.05, 1000, 0.025);
  assert.ok(few < many && many < 50 && 50 < manyMost && manyMost < fewMost);
});
