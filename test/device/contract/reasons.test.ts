import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { configSchema } from "../../../device/config/schema.ts";
import { reasonTable } from "../../../device/contract/reasons.ts";
import { topics } from "../../../device/contract/topics.ts";
import { verbNames } from "../../../device/contract/verbs.ts";

/** Keys of the configuration, and each with the one that it lies in: `messages.gradeCodes`. */
function keysOf(schema: unknown, inside = "", found = new Set<string>()): Set<string> {
  if (typeof schema !== "object" || schema === null) return found;
  const { properties, ...others } = schema as { readonly properties?: Record<string, unknown> };
  for (const [key, inner] of Object.entries(properties ?? {})) {
    found.add(key);
    if (inside !== "") found.add(`${inside}.${key}`);
    keysOf(inner, key, found);
  }
  for (const inner of Object.values(others)) keysOf(inner, inside, found);
  return found;
}

test("every reason says when it is told and what to do, and what a hint names is there", () => {
  const keys = keysOf(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }));
  assert.ok(keys.has("messages.gradeCodes") && !keys.has("conveyor.direction"), "keys are found where they lie");
  const names = new Set([
    ...keys,
    ...verbNames,
    ...Object.values(topics).map(({ address }) => address.split("/").at(-1)!),
  ]);
  // A field of `info`, and the filter of requests.
  for (const name of ["proof", "request/+"]) names.add(name);
  for (const [code, { when, hint }] of Object.entries(reasonTable)) {
    assert.ok(when.length > 10 && hint.length > 5, code);
    for (const [, name] of hint.matchAll(/`([^`]+)`/g)) {
      assert.ok(names.has(name!.replaceAll("[]", "")), `${code}: its hint names ${name}, which is nowhere`);
    }
  }
});
