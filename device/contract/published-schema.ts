import { z } from "zod";
import type { Topic } from "./topics.ts";

interface Schema {
  readonly [key: string]: unknown;
}

/**
 * The JSON Schema (draft 7) of a message, as others validate by it. A later version may add fields to what the device
 * sends, and says so in `v`; receivers that validate must not break by it. What the device receives is as strict as it
 * is read: a field that is not known may be a slip.
 */
export function publishedSchema({ payload, direction }: Pick<Topic, "payload" | "direction">): Schema {
  const schema = z.toJSONSchema(payload, { target: "draft-7" });
  return (direction === "send" ? tolerant(schema) : schema) as Schema;
}

/** Allows fields that are not named, and later versions. */
export function tolerant(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(tolerant);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => {
      if (key === "additionalProperties" && value === false) return [];
      if (key === "properties") return [[key, properties(value as Schema)]];
      return [[key, tolerant(value)]];
    }),
  );
}

function properties(schemas: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const version = (schema as { const?: unknown }).const;
      if (name !== "v" || typeof version !== "number") return [name, tolerant(schema)];
      return [name, { type: "integer", minimum: version }];
    }),
  );
}
