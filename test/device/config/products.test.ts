import assert from "node:assert/strict";
import { test } from "node:test";
import { fits, type ProductsConfig, productFaults, productsSchema } from "../../../device/config/products.ts";
import { seededRandom } from "../../support/random.ts";

const OUTLETS = [{ id: "a", gateMm: 100 }];
const OUTCOMES = ["graded", "unknown", "unsure", "foreign", "empty", "no-image"] as const;

function faults(rules: readonly object[], outlets: readonly object[] = OUTLETS): string[] {
  const map = productsSchema.parse({ outlets, rules: rules.map((rule) => ({ product: "p", outlet: "a", ...rule })) });
  return productFaults(map).map(({ path, text }) => `${path.join(".")}: ${text}`);
}

test("a map that fits every fruit and whose every rule is reached is taken; so is none at all", () => {
  assert.deepEqual(faults([]), []);
  assert.deepEqual(faults([{ grade: ["sound"], sizeMm: { from: 60 } }, { grade: ["sound"] }, {}]), []);
});

test("fruit that no rule fits are told by an example: a size between two ranges, no size, another grade", () => {
  const gap = (rules: readonly object[]) => faults(rules).join("|");
  assert.match(gap([{ sizeMm: { to: 60 } }, { sizeMm: { from: 60 } }]), /no rule fits grade .* without a size/);
  const between = [{ sizeMm: { to: 60 } }, { sizeMm: { from: 61 } }];
  assert.match(gap([{ outcome: OUTCOMES.slice(1) }, { faultShare: { from: 0 } }, ...between]), /no rule fits grade/);
  assert.match(gap([{ grade: ["sound"] }, { outcome: OUTCOMES.slice(1) }]), /no rule fits grade any other grade/);
  assert.match(gap([{ outcome: ["graded"] }]), /no rule fits unknown without a size; end with a rule for the rest/);
});

test("a rule that is never reached, an outlet that is not there or twice, and a range turned round are refused", () => {
  assert.deepEqual(faults([{ grade: ["sound"] }, { grade: ["sound"], sizeMm: { from: 60 } }, {}]), [
    "products.rules.1: never reached: rules above it fit all of its fruit",
  ]);
  assert.deepEqual(faults([{ outlet: "z" }]), ["products.rules.0.outlet: found z, wanted one of: a"]);
  assert.deepEqual(faults([], [...OUTLETS, ...OUTLETS]), ["products.outlets.1.id: found a a second time"]);
  assert.throws(() => faults([{ sizeMm: { from: 60, to: 60 } }]), /`from` must be smaller than `to`/);
});

test("a map without a fault gives every fruit a rule, whatever it is", () => {
  const random = seededRandom(5);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  let sound = 0;
  for (let n = 0; n < 300; n++) {
    const rules = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      const from = pick([undefined, 50, 60, 70]);
      return {
        product: "p",
        outlet: "a",
        ...(random() < 0.4 ? { outcome: [pick(OUTCOMES), pick(OUTCOMES)] } : {}),
        ...(random() < 0.4 ? { grade: [pick(["sound", "reject"])] } : {}),
        ...(from === undefined ? {} : { sizeMm: { from } }),
      };
    });
    const map: ProductsConfig = productsSchema.parse({ outlets: OUTLETS, rules });
    const gap = productFaults(map).some(({ text }) => text.startsWith("no rule fits"));
    if (!gap) sound++;
    const fruit = Array.from({ length: 300 }, () => {
      const outcome = pick(OUTCOMES);
      const grade = outcome === "graded" ? pick(["sound", "reject", "third"]) : null;
      return { outcome, grade, sizeMm: pick([null, 10, 50, 55, 60, 65, 70, 75]) };
    });
    const without = fruit.some((each) => !map.rules.some((rule) => fits(rule, each)));
    assert.equal(without, gap, JSON.stringify(rules));
  }
  assert.ok(sound > 10);
});
