import { z } from "zod";
import { nameSchema } from "../config/schema.ts";

/** As on a label or a bar code. */
export const lotIdSchema = z
  .string()
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} ._:/+#-]{0,78}[\p{L}\p{N}._:/+#-])?$/u,
    "1 to 80 letters, digits, spaces, . _ : / + # or -, starting with a letter or digit and not ending with a space",
  );

const words = z
  .string()
  .trim()
  .regex(/^[^\p{Cc}]{1,200}$/u, "1 to 200 characters on one line");

/** A delivery of fruit that is counted by itself. */
export const lotSchema = z.strictObject({
  id: lotIdSchema.describe("as in verdicts"),
  grower: words.optional(),
  variety: words.optional(),
  bin: words.optional().describe("number or bar code of the bin"),
  fields: z
    .record(z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,39}$/u), words)
    .refine((fields) => Object.keys(fields).length <= 20, "at most 20 fields")
    .optional()
    .describe("whatever else belongs to it"),
});

export const lotOnLaneSchema = z.strictObject({
  lane: nameSchema,
  lot: lotSchema.nullable().describe("null where none is on"),
  since: z.string().nullable().describe("when it was set, RFC 3339, UTC; null where none ever was"),
});

export type Lot = z.output<typeof lotSchema>;
export type LotOnLane = z.output<typeof lotOnLaneSchema>;
