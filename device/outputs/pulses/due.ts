import { type Micros, parseMicros } from "../../base/time.ts";
import type { OutputConfig } from "../../config/outputs.ts";
import type { Verdict } from "../../contract/messages.ts";

/** A pulse that an output owes a verdict. */
export interface Pulse {
  /** Place of the output in the configuration. */
  readonly output: number;
  /** Line time at which it begins. */
  readonly atUs: Micros;
  readonly lane: string;
  readonly seq: number;
  readonly item: string;
}

/** Which outputs a verdict fires, and when. One that is late fires at once or not at all, as each output says. */
export function pulsesOf(outputs: readonly OutputConfig[], verdict: Verdict, now: Micros): Pulse[] {
  const { lane, seq, item } = verdict;
  return outputs.flatMap((output, index) => {
    if (!wants(output, verdict)) return [];
    const atUs = parseMicros(verdict.gateAt) - output.leadMs * 1000;
    if (atUs < now && output.late === "skip") return [];
    return [{ output: index, atUs: Math.max(now, atUs), lane, seq, item }];
  });
}

/** All that the output names must fit. */
function wants({ lanes, outlets, grades, outcomes }: OutputConfig, verdict: Verdict): boolean {
  const { lane, outlet, grade, outcome } = verdict;
  return (
    (lanes === undefined || lanes.includes(lane)) &&
    (outlets === undefined || (outlet !== undefined && outlets.includes(outlet))) &&
    (grades === undefined || (grade !== null && grades.includes(grade))) &&
    (outcomes === undefined || outcomes.includes(outcome))
  );
}
