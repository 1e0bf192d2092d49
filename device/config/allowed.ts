import { z } from "zod";
import { configSchema, NAME_PATTERN, NAME_WORDS } from "./schema.ts";

/** The part of JSON Schema that zod writes for the configuration. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
}

type Path = readonly (string | number)[];

/** The configuration as JSON Schema (draft 7): what editors check against, and what errors name as allowed. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { target: "draft-7", io: "input" });
}

/** Keys that may stand in the map at `path`, given what the file says around it. */
export function allowedKeysAt(path: Path, value: unknown): readonly string[] {
  return Object.keys(schemaAt(path, value)?.properties ?? {});
}

/** The kinds of value and, where they are counted, the words that may stand at one place. */
export interface Allowed {
  /** As JSON Schema names them: string, number, integer, boolean, array, object. */
  readonly types: readonly string[];
  readonly choices: readonly string[];
}

/** What may stand at `path`, for looking at what stands there instead. */
export function allowedValuesAt(path: Path, value: unknown): Allowed {
  const schema = schemaAt(path, value);
  const options = schema?.anyOf ?? (schema === undefined ? [] : [schema]);
  const choices = options.flatMap(({ enum: words, const: only }) => words ?? (only === undefined ? [] : [only]));
  return {
    types: options.flatMap(({ type, properties }) => type ?? (properties === undefined ? [] : ["object"])),
    choices: choices.filter((choice) => typeof choice === "string"),
  };
}

/** Every place of the configuration that has a key of this name, as `lanes[].mmPerPx`. */
export function placesOfKey(key: string): readonly string[] {
  const found = new Set<string>();
  walk(configJsonSchema() as JsonSchema, "", (place, name) => {
    if (name === key) found.add(place);
  });
  return [...found];
}

function walk(
  schema: JsonSchema,
  place: string,
  visit: (place: string, name: string, schema: JsonSchema) => void,
): void {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const at = place === "" ? name : `${place}.${name}`;
    visit(at, name, inner);
    walk(inner, at, visit);
  }
  if (schema.items !== undefined) walk(schema.items, `${place}[]`, visit);
  for (const option of [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) walk(option, place, visit);
}

/** What may stand at `path`, in words. */
export function allowedAt(path: Path, value: unknown): string {
  const schema = schemaAt(path, value);
  return schema === undefined ? "nothing" : inWords(schema);
}

function schemaAt(path: Path, value: unknown): JsonSchema | undefined {
  let schema: JsonSchema | undefined = configJsonSchema() as JsonSchema;
  let at: unknown = value;
  for (const part of path) {
    schema = typeof part === "number" ? schema?.items : chosen(schema, at)?.properties?.[part];
    at = typeof at === "object" && at !== null ? (at as Record<string | number, unknown>)[part] : undefined;
  }
  return chosen(schema, at);
}

/** The alternative whose `kind` the file gives; the union itself where it gives none of them. */
function chosen(schema: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  const options = schema?.oneOf ?? schema?.anyOf;
  if (options === undefined) return schema;
  // Alternatives of other sorts, as a word or a number.
  if (options.some(({ properties }) => properties?.kind === undefined)) return schema;
  const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  const match = options.find((option) => option.properties?.kind?.const === kind);
  if (match !== undefined) return match;
  const kinds = options.map((option) => option.properties?.kind?.const);
  return { properties: { kind: { enum: kinds } } };
}

/** What a schema allows, in words. */
export function allowedIn(schema: JsonSchema): string {
  const kinds = schema.oneOf?.map(({ properties }) => properties?.kind?.const);
  return kinds === undefined ? inWords({ ...schema, description: "" }) : `\`kind\` ${kinds.join(" or ")}`;
}

function inWords(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(inWords).join(", or ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return schema.enum.join(", ");
  switch (schema.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "string":
      return (schema.description ?? "") === "" ? text(schema) : `${text(schema)} (${schema.description})`;
    case "array":
      return `a list of ${schema.minItems ?? 0} to ${schema.maxItems ?? "any number of"} entries`;
    default: {
      const { properties = {} } = schema;
      if (properties.kind?.enum !== undefined) return `\`kind\` ${properties.kind.enum.join(" or ")}`;
      const keys = `the keys ${Object.keys(properties).join(", ")}`;
      return (schema.description ?? "") === "" ? keys : `${keys} (${schema.description})`;
    }
  }
}

function text(schema: JsonSchema): string {
  if (schema.pattern === NAME_PATTERN.source) return NAME_WORDS;
  return schema.pattern === undefined ? "text" : `text that matches ${schema.pattern}`;
}

function range(schema: JsonSchema): string {
  // Whole numbers without a bound of ours carry those of a double.
  const huge = (bound: number | undefined) => bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER;
  const low = huge(schema.minimum) ? "" : ` from ${schema.minimum}`;
  const above = schema.exclusiveMinimum === undefined ? "" : ` above ${schema.exclusiveMinimum}`;
  const high = huge(schema.maximum) ? "" : ` up to ${schema.maximum}`;
  const below = schema.exclusiveMaximum === undefined ? "" : ` below ${schema.exclusiveMaximum}`;
  return low + above + high + below;
}
