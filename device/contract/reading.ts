import type { z } from "zod";
import { raised } from "./form.ts";
import { laneStatsSchema, stateSchema, type Verdict, verdictSchema } from "./messages.ts";
import { reasonCodes } from "./reasons.ts";
import { responseSchema, type Verb } from "./verbs.ts";

/** Unknown fields lie in objects, and those in others: no message is deeper. */
const MAX_DEPTH = 8;

type Issue = z.core.$ZodIssue;
type Fields = Readonly<Record<string, unknown>>;

const readable = { verdict: verdictSchema, state: stateSchema, laneStats: laneStatsSchema } as const;

type Readable = keyof typeof readable;

/**
 * Reads what a daemon says, whichever version it has: fields that nobody knows here are left out, and what the last
 * version did not have is filled in.
 *
 * @returns undefined where it is no such message
 */
export function readMessage<K extends Readable>(key: K, value: unknown): z.output<(typeof readable)[K]> | undefined {
  if (!isObject(value)) return undefined;
  return tolerantly(readable[key], current[key](value)) as z.output<(typeof readable)[K]> | undefined;
}

/** Likewise the answer to a request. */
export function readResponse(verb: Verb, value: unknown): unknown {
  return tolerantly(responseSchema(verb), value);
}

/** Each message as this version has it. */
const current: { readonly [K in Readable]: (value: Fields) => unknown } = {
  verdict: (value) => {
    if (value.v !== 1) return { ...value, v: atMost2(value.v) };
    return Array.isArray(value.grades) && value.grades.every(isObject) ? raised(value as unknown as Verdict) : value;
  },
  state: (value) => {
    const causes = Array.isArray(value.causes) ? value.causes : [];
    // The words of a reason that is not known here stand in `reasons`.
    const known = causes.filter((cause) => isObject(cause) && reasonCodes.some((code) => code === cause.code));
    return { ...value, v: atMost2(value.v ?? 2), causes: known };
  },
  laneStats: (value) => (isObject(value.outcomes) ? { ...value, outcomes: { foreign: 0, ...value.outcomes } } : value),
};

function atMost2(version: unknown): unknown {
  return typeof version === "number" && version > 2 ? 2 : version;
}

function tolerantly(schema: z.ZodType, value: unknown): unknown {
  let left = value;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const { success, data, error } = schema.safeParse(left);
    if (success) return data;
    const unknown = unknownFields(error.issues);
    if (unknown.length === 0) return undefined;
    left = structuredClone(left);
    for (const path of unknown) leaveOut(left, path);
  }
  return undefined;
}

function unknownFields(issues: readonly Issue[]): PropertyKey[][] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...issue.path, key]);
    if (issue.code !== "invalid_union") return [];
    // Of several forms the one that is only too narrow.
    const narrow = issue.errors.find(
      (each) => each.length > 0 && each.every(({ code }) => code === "unrecognized_keys"),
    );
    return unknownFields(narrow ?? []).map((path) => [...issue.path, ...path]);
  });
}

function leaveOut(value: unknown, path: readonly PropertyKey[]): void {
  const holder = path.slice(0, -1).reduce((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
  delete (holder as Record<PropertyKey, unknown>)[path.at(-1)!];
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
