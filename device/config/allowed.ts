import { z } from "zod";
import { configSchema } from "./schema.ts";

/** The part of JSON Schema that zod writes for the configuration. */
interface JsonSchema {
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
  const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  const match = options.find((option) => option.properties?.kind?.const === kind);
  if (match !== undefined) return match;
  const kinds = options.map((option) => option.properties?.kind?.const);
  return { properties: { kind: { enum: kinds } } };
}

function inWords(schema: JsonSchema): string {
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
      return schema.description === undefined ? text(schema) : `${text(schema)} (${schema.description})`;
    case "array":
      return `a list of ${schema.minItems ?? 0} to ${schema.maxItems ?? "any number of"} entries`;
    default: {
      const { properties = {} } = schema;
      if (properties.kind?.enum !== undefined) return `\`kind\` ${properties.kind.enum.join(" or ")}`;
      const keys = `the keys ${Object.keys(properties).join(", ")}`;
      return schema.description === undefined ? keys : `${keys} (${schema.description})`;
    }
  }
}

function text(schema: JsonSchema): string {
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
