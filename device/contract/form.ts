import { existsSync, readFileSync } from "node:fs";
import { codesFor, USUAL_CODES } from "./codes.ts";
import type { Verdict } from "./messages.ts";
import type { TopicKey } from "./topics.ts";

/** How messages are written. */
export interface MessageForm {
  /** Version of the contract; 1 leaves out what that version did not have. */
  readonly version: 1 | 2;
  /** Every character beyond ASCII as a JSON escape. */
  readonly asciiOnly: boolean;
}

export const USUAL_FORM: MessageForm = { version: 2, asciiOnly: false };

/** What messages of the last version may hold, by the schemas that were published with it. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
}

/** A retained message, or the answer to a request, as text. */
export function messageText(form: MessageForm, name: string, message: unknown): string {
  return escaped(form, JSON.stringify(form.version === 1 ? asVersion1(name, message) : message));
}

/**
 * A verdict of the journal as the broker gets it.
 *
 * @param text as it lies in the journal; it may come from a daemon that knew only version 1
 * @param backlog it is sent late, after an outage
 */
export function verdictText(form: MessageForm, text: string, backlog: boolean): string {
  const current = text.startsWith('{"v":2');
  if (current && form.version === 2) {
    return escaped(form, backlog ? `${text.slice(0, -1)},"backlog":true}` : text);
  }
  const verdict = JSON.parse(text) as Verdict;
  if (form.version === 1) return escaped(form, JSON.stringify(asVersion1("verdict", verdict)));
  const now = raised(verdict);
  return escaped(form, JSON.stringify(backlog ? { ...now, backlog } : now));
}

/** A verdict that a daemon of version 1 stored, as this version says it. */
export function raised(verdict: Verdict): Verdict {
  return { ...verdict, v: 2, ...codesFor(USUAL_CODES, verdict) };
}

function escaped({ asciiOnly }: MessageForm, text: string): string {
  if (!asciiOnly) return text;
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Version 1 has no outcome `foreign`: its receivers take such fruit out as unknown. */
function asVersion1(name: string, message: unknown): unknown {
  const value = only(shapeOf(name), message) as Record<string, unknown>;
  if (name === ("verdict" satisfies TopicKey)) {
    return { ...value, v: 1, outcome: value.outcome === "foreign" ? "unknown" : value.outcome };
  }
  if (name === ("laneStats" satisfies TopicKey)) {
    const counts = value.outcomes as Record<string, number>;
    const { foreign = 0 } = (message as { outcomes: { foreign?: number } }).outcomes;
    return { ...value, outcomes: { ...counts, unknown: counts.unknown! + foreign } };
  }
  return value;
}

const shapes = new Map<string, Shape>();

function shapeOf(name: string): Shape {
  let shape = shapes.get(name);
  if (shape === undefined) {
    // What came with version 2 has no older form.
    const file = new URL(`./v1/${name}.schema.json`, import.meta.url);
    shape = /^\w+$/.test(name) && existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Shape) : {};
    shapes.set(name, shape);
  }
  return shape;
}

/** Leaves out what the shape does not name. */
function only(shape: Shape, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => only(shape.items ?? {}, each));
  if (typeof value !== "object" || value === null) return value;
  const { properties, additionalProperties } = variantOf(shape, value);
  if (properties === undefined) {
    const inner = typeof additionalProperties === "object" ? additionalProperties : {};
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, only(inner, each)]));
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) =>
      Object.hasOwn(properties, key) ? [[key, only(properties[key]!, each)]] : [],
    ),
  );
}

/** Of several shapes the one whose constants the value has; null is none of them. */
function variantOf(shape: Shape, value: object): Shape {
  const variants = shape.oneOf ?? shape.anyOf;
  if (variants === undefined) return shape;
  const fits = ({ properties = {} }: Shape): boolean =>
    Object.entries(properties).every(
      ([key, inner]) => !("const" in inner) || inner.const === (value as Record<string, unknown>)[key],
    );
  return variants.find((variant) => variant.properties !== undefined && fits(variant)) ?? {};
}
