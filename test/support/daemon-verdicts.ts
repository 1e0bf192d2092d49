import assert from "node:assert/strict";
import { type Micros, nowMicros, parseMicros } from "../../device/base/time.ts";
import { type Verdict, verdictSchema } from "../../device/contract/messages.ts";
import type { Truth } from "../../device/demo/tally.ts";
import type { Daemon } from "./daemon.ts";
import { TOLERANCE_US } from "./line-config.ts";
import type { Subscriber } from "./subscriber.ts";

/** Every verdict that was heard, in the order in which they came, each as it was promised. */
export function verdictsOf(...ears: readonly Subscriber[]): Verdict[] {
  return ears.flatMap((each) => each.on("/verdict").map(({ text }) => verdictSchema.parse(JSON.parse(text))));
}

/** The first message of each item; a repeat must be the same verdict again. */
export function withoutRepeats(verdicts: readonly Verdict[]): Verdict[] {
  const first = new Map<string, Verdict>();
  for (const verdict of verdicts) {
    const before = first.get(verdict.item);
    if (before === undefined) first.set(verdict.item, verdict);
    else assert.deepEqual(said(verdict), said(before), "a repeat says the same");
  }
  return [...first.values()];
}

/** A repeat may come late where the first did not. */
function said({ backlog: _, ...rest }: Verdict): Omit<Verdict, "backlog"> {
  return rest;
}

/** Each lane's numbers are 1, 2, 3 and so on, one item each; fresh ones and late ones are in this order, each by itself. */
export function assertNumbered(verdicts: readonly Verdict[]): void {
  for (const [lane, ofLane] of Map.groupBy(withoutRepeats(verdicts), ({ lane }) => lane)) {
    const rising = (seqs: readonly number[]) => seqs.toSorted((one, other) => one - other);
    for (const late of [undefined, true]) {
      const seqs = ofLane.filter(({ backlog }) => backlog === late).map(({ seq }) => seq);
      assert.deepEqual(seqs, rising(seqs), `order of lane ${lane}`);
    }
    const seqs = ofLane.map(({ seq }) => seq);
    assert.deepEqual(rising(seqs), rising(seqs.map((_, index) => index + 1)), `numbers of lane ${lane}`);
  }
}

/**
 * What is wrong with the verdicts, held against what passed; empty where nothing is. A cup behind the last fruit, or
 * one that stood in the frame at the start, is called empty and is no fruit.
 *
 * @param passed whether something that passed must have its verdict; at most one is allowed in any case
 */
export function wrongs(
  verdicts: readonly Verdict[],
  truths: readonly Truth[],
  passed: (truth: Truth) => boolean = () => true,
): string[] {
  const found: string[] = [];
  const of = new Map<Truth, Verdict[]>();
  for (const verdict of withoutRepeats(verdicts)) {
    const truth = nearest(verdict, truths);
    if (truth !== undefined) of.set(truth, [...(of.get(truth) ?? []), verdict]);
    else if (verdict.outcome !== "empty") found.push(`${verdict.item} at ${verdict.gateAt} is no fruit`);
  }
  for (const truth of truths) {
    const items = of.get(truth) ?? [];
    const at = `${truth.lane}, gate ${new Date(truth.gateAt / 1000).toISOString()}`;
    if (items.length > 1) found.push(`${at}: ${items.map(({ item }) => item).join(", ")}`);
    if (items.length === 0 && passed(truth)) found.push(`${at}: no verdict`);
    for (const { item, outcome } of items) {
      if ((outcome === "empty") !== (truth.grade === null)) found.push(`${item} is ${outcome}, was ${truth.grade}`);
    }
  }
  return found;
}

/** The first thing on each lane that reaches its gate after that time has its verdict. */
export function heardUntil(verdicts: readonly Verdict[], lanes: readonly string[], gateAt: number): true | undefined {
  const all = lanes.every((lane) => verdicts.some((one) => one.lane === lane && parseMicros(one.gateAt) >= gateAt));
  return all || undefined;
}

/** Items of all lanes that were decided from now on, by the recipe of that name. */
export async function nextBy(recipe: string | null, ears: Subscriber, lanes: readonly string[]): Promise<void> {
  const from = verdictsOf(ears).length;
  await ears.until(() => {
    const later = verdictsOf(ears).slice(from);
    return lanes.every((id) => later.some((one) => one.lane === id && one.recipe === recipe)) || undefined;
  });
}

/**
 * Ends a daemon in order, half a second of its line from now.
 *
 * @returns all its verdicts, numbered and none of them twice, and until when everything that passed a gate has one
 */
export async function endInOrder(
  daemon: Daemon,
  ears: Subscriber,
  lanes: readonly string[],
): Promise<{ readonly verdicts: Verdict[]; readonly until: Micros }> {
  const until = nowMicros() + 500_000;
  await ears.until(() => heardUntil(verdictsOf(ears), lanes, until));
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  const verdicts = verdictsOf(ears);
  assertNumbered(verdicts);
  assert.equal(withoutRepeats(verdicts).length, verdicts.length);
  return { verdicts, until };
}

function nearest(verdict: Verdict, truths: readonly Truth[]): Truth | undefined {
  const gateAt = parseMicros(verdict.gateAt);
  let best: Truth | undefined;
  for (const truth of truths) {
    if (truth.lane !== verdict.lane || Math.abs(truth.gateAt - gateAt) > TOLERANCE_US) continue;
    if (best === undefined || Math.abs(truth.gateAt - gateAt) < Math.abs(best.gateAt - gateAt)) best = truth;
  }
  return best;
}
