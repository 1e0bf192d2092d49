import type { PlaceSignal, Signal } from "./signals.ts";

/**
 * What has likely changed. `light`: lamp, exposure, white balance; `dirt`: on the lens or its cover, or focus; `variety`:
 * fruit of another kind than before; `condition`: faults of another kind; `unknown`: more strangers than before;
 * `unlike`: the line never looked like the references.
 */
export type DriftKind = "light" | "dirt" | "variety" | "condition" | "unknown" | "unlike";

/** In a few words that do not change while the finding stands. */
export const DRIFT_TITLES: Readonly<Record<DriftKind, string>> = {
  light: "the light has changed",
  dirt: "the lens is dirty or out of focus",
  variety: "the fruit are of another kind",
  condition: "the fruit show another condition",
  unknown: "more fruit are unknown",
  unlike: "the fruit are unlike the references",
};

export interface Finding {
  readonly kind: DriftKind;
  /** In whose pictures, where the lane has several cameras. */
  readonly camera?: string;
  /** Microseconds. */
  readonly since: number;
  /** What was measured, and what to do. */
  readonly text: string;
}

/** A signal that has shifted. */
export interface Shift {
  readonly since: number;
  /** In the signal's own unit. */
  readonly change: number;
}

export interface Shifts {
  readonly signals: Readonly<Partial<Record<Signal, Shift>>>;
  readonly places: Readonly<Record<PlaceSignal, readonly (Shift | undefined)[]>>;
  /** How many times as far as references are from each other the line's fruit are from them; undefined where alike. */
  readonly unlike: Shift | undefined;
}

/** What the signals that shifted have in common. */
export function findingsOf(shifts: Shifts): Finding[] {
  const { signals } = shifts;
  const found: Finding[] = [];
  const { sceneBrightness, sceneWarmth, sceneTint, brightness, warmth, tint, sharpness } = signals;
  const lit = [lamp(sceneBrightness, brightness), lamp(sceneWarmth, warmth), lamp(sceneTint, tint)];
  const light = earliest(...lit);
  if (light !== undefined) {
    const belt = [brighter("belt", lit[0]), warmer("belt", lit[1]), greener("belt", lit[2])];
    const fruit = [brighter("fruit", brightness), warmer("fruit", warmth), greener("fruit", tint)];
    const seen = [...belt, ...fruit].filter((text) => text !== undefined).join(", ");
    const only =
      earliest(brightness, warmth, tint) === undefined
        ? "; on the fruit it does not show yet, it may be the belt alone"
        : "";
    found.push({
      kind: "light",
      since: light,
      text: `the light has changed: ${seen}${only}. Appearance at lamp, exposure and white balance; else enroll under the new light`,
    });
  }
  const recoloured = earliestShift(brightness, warmth, tint);
  let blurred = false;
  const dirt = dirtOf(shifts);
  if (dirt !== undefined) found.push(dirt);
  // Skins differ in what there is to be sharp: under one light another colour is another skin.
  else if (sharpness !== undefined && sharpness.change < 0 && (light !== undefined || recoloured === undefined)) {
    blurred = true;
    found.push({
      kind: "dirt",
      since: sharpness.since,
      text: `pictures are less sharp than they were (${percent(sharpness.change)}): clean the lens and its cover, check the focus`,
    });
  }
  // Under another light everything looks like another fruit: only what the light does not explain is told.
  const { identity, condition, unknown } = signals;
  const strange = [identity, recoloured].filter((shift) => shift !== undefined);
  if (light === undefined && !blurred && strange.length > 0) {
    const colour = [brighter("fruit", brightness), warmer("fruit", warmth), greener("fruit", tint)];
    const far = identity === undefined ? undefined : `${identity.change.toFixed(3)} farther from the references`;
    const seen = [far, ...colour].filter((text) => text !== undefined).join(", ");
    found.push({
      kind: "variety",
      since: Math.min(...strange.map(({ since }) => since)),
      text: `the fruit are of another kind than before (${seen}) while the light is the same: enroll some of them`,
    });
  }
  if (light === undefined && condition !== undefined && identity === undefined && condition.change > 0) {
    found.push({
      kind: "condition",
      since: condition.since,
      text: `the fruit's condition is ${condition.change.toFixed(3)} farther from the references: a fault that is not enrolled?`,
    });
  }
  if (found.length === 0 && unknown !== undefined && unknown.change > 0) {
    found.push({
      kind: "unknown",
      since: unknown.since,
      text: `${Math.round(unknown.change * 100)} of 100 fruit more than before are unknown: answer the unknown queue`,
    });
  }
  if (shifts.unlike !== undefined) {
    found.push({
      kind: "unlike",
      since: shifts.unlike.since,
      text: `the line's fruit are ${shifts.unlike.change.toFixed(1)} times as far from the references as those from each other: enroll from this line`,
    });
  }
  return found.sort((a, b) => a.since - b.since);
}

/** One place of the frame that differs from the others, whatever fruit passes there. */
function dirtOf({ places }: Shifts): Finding | undefined {
  const spots = Object.values(places).flatMap((list) =>
    list.flatMap((shift, place) => (shift !== undefined && shift.change < 0 ? [{ place, shift }] : [])),
  );
  if (spots.length === 0) return undefined;
  const where = [...new Set(spots.map(({ place }) => place))].sort((a, b) => a - b);
  const worst = Math.min(...spots.map(({ shift }) => shift.change));
  const count = places.placeBrightness.length;
  const range = where.map(
    (place) => `${Math.round((100 * place) / count)} to ${Math.round((100 * (place + 1)) / count)} %`,
  );
  return {
    kind: "dirt",
    since: Math.min(...spots.map(({ shift }) => shift.since)),
    text: `fruit are darker or less sharp (${percent(worst)}) wherever they pass ${range.join(", ")} of the frame from its left edge: clean the lens and its cover, look for a lamp that failed there`,
  };
}

/** Behind many fruit of another colour the belt's median moves a little, too: then the fruit moved, not the light. */
function lamp(scene: Shift | undefined, fruit: Shift | undefined): Shift | undefined {
  return fruit !== undefined && scene !== undefined && Math.abs(fruit.change) > 4 * Math.abs(scene.change)
    ? undefined
    : scene;
}

function earliest(...shifts: readonly (Shift | undefined)[]): number | undefined {
  return earliestShift(...shifts)?.since;
}

function earliestShift(...shifts: readonly (Shift | undefined)[]): Shift | undefined {
  let first: Shift | undefined;
  for (const shift of shifts)
    if (shift !== undefined && (first === undefined || shift.since < first.since)) first = shift;
  return first;
}

function brighter(what: string, shift: Shift | undefined): string | undefined {
  return (
    shift && `${what} ${percent(Math.abs(shift.change), shift.change)} ${shift.change > 0 ? "brighter" : "darker"}`
  );
}

function warmer(what: string, shift: Shift | undefined): string | undefined {
  return shift && `${what} ${shift.change > 0 ? "redder" : "bluer"} by ${percent(Math.abs(shift.change))}`;
}

function greener(what: string, shift: Shift | undefined): string | undefined {
  return shift && `${what} ${shift.change > 0 ? "greener" : "less green"} by ${percent(Math.abs(shift.change))}`;
}

/** A change of a base-2 logarithm as a share of what was there before. */
function percent(log: number, signed = log): string {
  return `${Math.abs((2 ** (signed < 0 ? -Math.abs(log) : log) - 1) * 100).toFixed(0)} %`;
}
