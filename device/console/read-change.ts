import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { gradeSchema } from "../config/schema.ts";
import { Refusal, readBody } from "./answer.ts";
import type { Guard } from "./guard.ts";

/** 200 names of items, and more. */
const MAX_BYTES = 32 * 1024;

const items = z.array(z.string().min(1).max(120)).min(1).max(200);
export const enrollSchema = z.strictObject({ grade: gradeSchema, items, newGradeBefore: gradeSchema.nullish() });
export const dismissSchema = z.strictObject({ items });
export const undoSchema = z.strictObject({});

/** Reads what the page wants changed. @throws {Refusal} */
export async function readChange<T>(request: IncomingMessage, guard: Guard, schema: z.ZodType<T>): Promise<T> {
  if (!guard.own(request)) throw new Refusal(403, "only the page of this board may change something");
  if (!/^application\/json(?:\s*;|$)/i.test(request.headers["content-type"] ?? "")) {
    throw new Refusal(415, "the body must be application/json");
  }
  const body = await readBody(request, MAX_BYTES);
  if (body === undefined) throw new Refusal(413, `a request has at most ${MAX_BYTES} bytes`);
  const parsed = schema.safeParse(json(body));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new Refusal(422, `${path.length === 0 ? "the body" : path.join(".")}: ${message}`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
