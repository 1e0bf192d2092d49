import { SPARE } from "../cover.ts";
import type { ItemRule, ItemSeen, Leaning, RuleName } from "./rule.ts";

/*
 * Rules that ask each view alone, by its nearest reference.
 */

/** The grade that most views are nearest to; of equals the worse one, for a fault in sight outweighs a clean side. */
export class MajorityRule implements ItemRule {
  readonly name: RuleName = "majority";
  readonly #votes: Float64Array;

  constructor(grades: number) {
    this.#votes = new Float64Array(grades);
  }

  lean(item: ItemSeen, out: Leaning): void {
    countVotes(item, this.#votes);
    let grade = 0;
    for (let g = 1; g < this.#votes.length; g++) if (this.#votes[g]! >= this.#votes[grade]!) grade = g;
    only(grade, out);
  }
}

/** The worst grade that a view is nearest to, a tenth of the views spared: one bad side makes a bad fruit. */
export class WorstViewRule implements ItemRule {
  readonly name: RuleName = "worst-view";
  readonly #votes: Float64Array;

  constructor(grades: number) {
    this.#votes = new Float64Array(grades);
  }

  lean(item: ItemSeen, out: Leaning): void {
    countVotes(item, this.#votes);
    let spared = Math.floor(SPARE * item.views);
    let grade = this.#votes.length - 1;
    while (grade > 0 && this.#votes[grade]! <= spared) {
      spared -= this.#votes[grade]!;
      grade--;
    }
    only(grade, out);
  }
}

/** No leaning at all: the best grade that covers every view, as the first idea was. */
export class CoverRule implements ItemRule {
  readonly name: RuleName = "cover";

  lean(_item: ItemSeen, out: Leaning): void {
    only(0, out);
  }
}

/** @param votes (grades) written in place: how many views have each grade's reference as their nearest */
function countVotes(item: ItemSeen, votes: Float64Array): void {
  const { views } = item;
  const nearest = item.nearest();
  const grades = votes.length;
  votes.fill(0);
  for (let view = 0; view < views; view++) {
    let best = 0;
    for (let g = 1; g < grades; g++) if (nearest[view * grades + g]! < nearest[view * grades + best]!) best = g;
    votes[best]!++;
  }
}

function only(grade: number, out: Leaning): void {
  out.grade = grade;
  out.second = -1;
  out.lead = 1;
}
