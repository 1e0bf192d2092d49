import type { Verdict } from "../../device/contract/messages.ts";
import { nearestGrade } from "./describe.ts";

/** One fruit that went round some times. */
export interface RepeatedFruit {
  /** Counts the fruit of a round from 1. */
  readonly fruit: number;
  /** By lane, in the order of the rounds: its grade, or why it had none. */
  readonly verdicts: Readonly<Record<string, readonly string[]>>;
  /** Over all rounds and lanes; null without two sizes. */
  readonly sizeMm: Spread | null;
  /** To its nearest grade, over all rounds and lanes. */
  readonly distance: Spread | null;
}

export interface Spread {
  readonly mean: number;
  /** Standard deviation from round to round. */
  readonly sd: number;
}

/** A share with the middle 95 % of what other fruit would have given (bootstrap over fruit). */
export interface Share {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export interface Repeatability {
  readonly fruit: number;
  readonly rounds: number;
  readonly lanes: readonly string[];
  /** Chance that two rounds on one lane say the same of a fruit. */
  readonly withinLane: Readonly<Record<string, Share>>;
  /** Chance that rounds on two lanes say the same; null with one lane. */
  readonly betweenLanes: Share | null;
  /** Standard deviation of one fruit's size from round to round, pooled over fruit; null without sizes. */
  readonly sizeSdMm: number | null;
  /** The same of the distance to the nearest grade. */
  readonly distanceSd: number | null;
  /** Lanes on which the rounds look shifted against each other: a fruit was missed, counted twice or taken away. */
  readonly shifted: readonly string[];
  readonly items: readonly RepeatedFruit[];
}

const DRAWS = 2000;
/** Sizes tell neighbours apart by some millimetres; less of a gain is chance. */
const SHIFT_GAIN = 0.8;

/**
 * What the same fruit got in each of its rounds, which are told apart by order alone.
 *
 * @param passes by lane, at least fruit * rounds verdicts in the order in which they passed
 */
export function repeatability(
  passes: ReadonlyMap<string, readonly Verdict[]>,
  fruit: number,
  rounds: number,
): Repeatability {
  const lanes = [...passes.keys()];
  const at = (lane: string, item: number, round: number): Verdict => passes.get(lane)![round * fruit + item]!;
  const every = (item: number): Verdict[] =>
    lanes.flatMap((lane) => Array.from({ length: rounds }, (_, round) => at(lane, item, round)));
  const items = Array.from({ length: fruit }, (_, item): RepeatedFruit => {
    const all = every(item);
    return {
      fruit: item + 1,
      verdicts: Object.fromEntries(
        lanes.map((lane) => [lane, Array.from({ length: rounds }, (_, round) => said(at(lane, item, round)))]),
      ),
      sizeMm: spread(all.map(({ sizeMm }) => sizeMm)),
      distance: spread(all.map(({ grades }) => nearestGrade(grades)?.distance ?? null)),
    };
  });
  const within = (lane: string): Share => share(items.map(({ verdicts }) => equalPairs(verdicts[lane]!)));
  const between = (): Share =>
    share(
      items.map(({ verdicts }) => {
        const pairs = lanes.flatMap((a, index) =>
          lanes.slice(index + 1).map((b) => crossPairs(verdicts[a]!, verdicts[b]!)),
        );
        return mean(pairs);
      }),
    );
  return {
    fruit,
    rounds,
    lanes,
    withinLane: Object.fromEntries(lanes.map((lane) => [lane, within(lane)])),
    betweenLanes: lanes.length < 2 ? null : between(),
    sizeSdMm: pooled(items.map(({ sizeMm }) => sizeMm)),
    distanceSd: pooled(items.map(({ distance }) => distance)),
    shifted: lanes.filter((lane) => isShifted((item, round) => at(lane, item, round).sizeMm, fruit, rounds)),
    items,
  };
}

function said({ grade, outcome }: Verdict): string {
  return grade ?? outcome;
}

/** Share of pairs of rounds that are equal. */
function equalPairs(verdicts: readonly string[]): number {
  let equal = 0;
  let pairs = 0;
  for (const [index, first] of verdicts.entries()) {
    for (const second of verdicts.slice(index + 1)) {
      pairs++;
      if (first === second) equal++;
    }
  }
  return equal / pairs;
}

function crossPairs(a: readonly string[], b: readonly string[]): number {
  return mean(a.flatMap((first) => b.map((second) => Number(first === second))));
}

function share(perFruit: readonly number[]): Share {
  // A small linear congruential generator: the same figures for the same verdicts.
  let state = 1;
  const draws = Array.from({ length: DRAWS }, () => {
    let sum = 0;
    for (let i = 0; i < perFruit.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += perFruit[Math.floor((state / 2 ** 32) * perFruit.length)]!;
    }
    return sum / perFruit.length;
  }).sort((a, b) => a - b);
  return { share: mean(perFruit), low: draws[Math.floor(0.025 * DRAWS)]!, high: draws[Math.ceil(0.975 * DRAWS) - 1]! };
}

function spread(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const centre = mean(known);
  const square = known.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { mean: centre, sd: Math.sqrt(square / (known.length - 1)) };
}

function pooled(spreads: readonly (Spread | null)[]): number | null {
  const known = spreads.filter((each) => each !== null);
  return known.length === 0 ? null : Math.sqrt(mean(known.map(({ sd }) => sd ** 2)));
}

/** Whether a round fits the first better one place on or back, by the sizes. */
function isShifted(sizeOf: (item: number, round: number) => number | null, fruit: number, rounds: number): boolean {
  if (fruit < 5) return false;
  const off = (round: number, shift: number): number => {
    const gaps: number[] = [];
    for (let item = 0; item < fruit; item++) {
      const other = item + shift;
      if (other < 0 || other >= fruit) continue;
      const [a, b] = [sizeOf(item, 0), sizeOf(other, round)];
      if (a !== null && b !== null) gaps.push(Math.abs(a - b));
    }
    return gaps.length === 0 ? 0 : mean(gaps);
  };
  for (let round = 1; round < rounds; round++) {
    if (Math.min(off(round, 1), off(round, -1)) < SHIFT_GAIN * off(round, 0)) return true;
  }
  return false;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
