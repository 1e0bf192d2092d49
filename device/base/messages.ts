import { z } from "zod";

/** Time in UTC with microseconds. */
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .describe("RFC 3339, UTC, microseconds");
const ms = z.number().min(0).describe("milliseconds");

export const gradeScoreSchema = z.strictObject({
  grade: z.string(),
  distance: z.number().nullable().describe("0..2; to this grade together with all better ones, by the item rule"),
  pValue: z
    .number()
    .nullable()
    .describe("share of good fruit that would lie at least as far; null without a calibration"),
});

/** The decision for one item, published once; a repeat after a crash carries the same `item` and `seq`. */
export const verdictSchema = z.strictObject({
  v: z.literal(1),
  device: z.string(),
  lane: z.string(),
  seq: z.number().int().min(1).describe("counts this lane's verdicts from 1, without a gap, across restarts"),
  item: z.string().describe("unique; a message that repeats it is the same verdict again"),
  outcome: z.enum(["graded", "unknown", "unsure", "empty", "no-image"]),
  grade: z.string().nullable(),
  margin: z.number().nullable().describe("1 on a reference, 0 at the threshold, negative outside"),
  grades: z.array(gradeScoreSchema).describe("best grade first"),
  views: z.number().int().min(0),
  sizeMm: z.number().nullable(),
  cup: z.number().int().nullable(),
  exposedAt: time.describe("exposure of the last frame that counted for this item"),
  decidedAt: time,
  gateAt: time.describe("when the item's centre reaches the gate: the deadline"),
  late: z.boolean().describe("decided after the deadline"),
  recipe: z.string().nullable(),
  model: z.string().describe("first 16 hex digits of the model's sha256"),
  gallery: z.string().describe("first 16 hex digits of the gallery's sha256"),
  ms: z.strictObject({
    vision: ms.describe("exposure of the last frame to its last view cut"),
    embed: ms.describe("last view cut to last embedding"),
    grade: ms.describe("last embedding to decision"),
  }),
});

export type Verdict = z.output<typeof verdictSchema>;
