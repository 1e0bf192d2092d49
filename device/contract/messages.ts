import { z } from "zod";
import { nameSchema, OUTCOME_CODES } from "../config/schema.ts";
import { proofSchema } from "./proof-message.ts";
import { reasonCodes } from "./reasons.ts";

/** Time in UTC with microseconds. */
export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .describe("RFC 3339, UTC, microseconds");
const ms = z.number().min(0).describe("milliseconds");

export const recipeName = z
  .string()
  .nullable()
  .describe(
    "name and version of the recipe, with `+` at its end where it was taught since; null where model and gallery were given on their own",
  );

export const gradeScoreSchema = z.strictObject({
  grade: z.string(),
  distance: z
    .number()
    .nullable()
    .describe("0..2; distance to this grade and all better ones together, by the item rule"),
  pValue: z.number().nullable().describe("share of good fruit that lie as far or farther; null without a calibration"),
});

export type Outcome = keyof typeof OUTCOME_CODES;
export const outcomes = Object.keys(OUTCOME_CODES) as Outcome[];

const code = z.number().int().min(0).max(65_535);

/** The decision for one item, published once; a repeat after a crash carries the same `item` and `seq`. */
export const verdictSchema = z.strictObject({
  v: z.literal(2),
  device: z.string(),
  epoch: z
    .string()
    .optional()
    .describe("names the journal that counts `seq`; a new name means that `seq` starts again at 1"),
  lane: z.string(),
  seq: z
    .number()
    .int()
    .min(1)
    .describe(
      "counts this lane's verdicts from 1, across restarts; a jump is told in `health` as dropped, lost, skipped or damaged",
    ),
  item: z
    .string()
    .describe(
      "unique; a message that repeats it is the same verdict again: receivers deduplicate by `item`, not by `seq`",
    ),
  backlog: z
    .literal(true)
    .optional()
    .describe(
      "sent late, after an outage, or again by `replay`, beside the fresh ones; each of the two keeps its order; absent otherwise",
    ),
  outcome: z
    .enum(outcomes)
    .describe(
      "`graded`; `unknown`: like nothing enrolled; `unsure`: cannot be told; `foreign`: no fruit; `empty`: an empty cup; `no-image`: nothing was seen of it",
    ),
  outcomeCode: code.describe("number of the outcome: 1 to 6 in that order, or as `messages.outcomeCodes` says"),
  reason: z.string().optional().describe("why this outcome, if it is not obvious"),
  grade: z.string().nullable(),
  gradeCode: code.describe(
    "number of the grade: 1 for the best, then in order, or as `messages.gradeCodes` says; 0 for none",
  ),
  margin: z.number().nullable().describe("1 on a reference, 0 at the threshold, negative outside"),
  grades: z.array(gradeScoreSchema).describe("best grade first"),
  views: z.number().int().min(0),
  sides: z.number().min(0).max(1).optional().describe("share of the surface that was seen"),
  cameras: z.array(z.string()).optional().describe("cameras whose views the verdict is made of"),
  cameraViews: z.array(z.number().int().min(1)).optional().describe("views of each of `cameras`, in their order"),
  camerasMissing: z
    .array(z.string())
    .optional()
    .describe("cameras of the lane that gave no view: away, not in time, or the item was hidden from them"),
  sizeMm: z.number().nullable(),
  faultShare: z.number().min(0).max(1).optional().describe("share of the surface with faults"),
  lot: z.string().optional().describe("lot that the item belongs to"),
  product: z.string().optional().describe("what the item is sold as"),
  outlet: z.string().optional().describe("where the item leaves the line"),
  cup: z.number().int().nullable(),
  exposedAt: time.describe("exposure of the last frame that counted for this item"),
  decidedAt: time,
  gateAt: time.describe("when the item's centre reaches the gate: the deadline"),
  late: z.boolean().describe("decided after the deadline"),
  recipe: recipeName,
  model: z.string().describe("first 16 hex digits of the model's sha256"),
  gallery: z.string().describe("first 16 hex digits of the gallery's sha256"),
  ms: z.strictObject({
    vision: ms.describe("exposure of the last frame to its last view cut"),
    embed: ms.describe("last view cut to last embedding"),
    grade: ms.describe("last embedding to decision"),
  }),
});

export type Verdict = z.output<typeof verdictSchema>;

/** The verdict before the journal has given it its number. */
export type VerdictDraft = Omit<Verdict, "seq">;

const causeSchema = z.strictObject({
  code: z.enum(reasonCodes).describe("see the table of reasons"),
  message: z.string().describe("what was found"),
  hint: z.string().describe("what to do"),
  since: time.nullable().describe("when it began; null in `offline`"),
  lane: nameSchema.optional(),
  camera: nameSchema.optional(),
  topic: z.string().optional(),
});

export const stateSchema = z.strictObject({
  v: z.literal(2),
  state: z
    .enum(["online", "degraded", "stopped", "offline"])
    .describe(
      "`stopped`: ended on purpose; `offline`: the broker lost the connection and says so in the device's place",
    ),
  reasons: z.array(z.string()).describe("what is wrong, in words; empty when `online` or `stopped`"),
  causes: z.array(causeSchema).describe("the same reasons one by one, for programs"),
  at: time
    .nullable()
    .describe("since when the device is in this state; null in `offline`, which was written before it happened"),
});

export const hash = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("first 16 hex digits of a sha256");
export const count = z.number().int().min(0);

const gradeCountSchema = z.strictObject({ grade: z.string(), references: count });

/** What this device is: constant until it starts again, or its gallery or recipe changes. */
export const infoSchema = z.strictObject({
  device: nameSchema,
  version: z.string().describe("version of gradeline"),
  node: z.string().describe("version of the runtime"),
  startedAt: time,
  clockSynchronised: z.boolean().nullable().describe("as in `health`"),
  model: z.strictObject({
    name: z.string(),
    version: z.string(),
    hash,
    sizePx: count.describe("side of the square input"),
    dimension: count.describe("length of an embedding"),
  }),
  provider: z.string().describe("where the model runs, e.g. `cpu`, `cuda`"),
  proof: proofSchema.describe("evidence, found at the start, that it runs there"),
  gallery: z.strictObject({
    hash,
    references: count.describe("enrolled items"),
    grades: z.array(gradeCountSchema).describe("best grade first"),
  }),
  cameras: z.array(z.strictObject({ id: nameSchema, kind: z.string(), widthPx: count, heightPx: count })),
  lanes: z.array(
    z.strictObject({
      id: nameSchema,
      camera: nameSchema,
      conveyor: z.enum(["belt", "cups"]),
      gateMm: z.number().min(0),
    }),
  ),
});

const brokerSchema = z.strictObject({
  state: z
    .enum(["connecting", "connected", "refused", "closed"])
    .describe("`refused`: the broker answers, but refuses the connection"),
  protocol: z.enum(["5", "3.1.1"]).nullable().describe("null while not connected"),
  reason: z.string().nullable().describe("why there is no connection"),
  connects: count.describe("connections made since the start"),
  refused: z
    .array(z.strictObject({ topic: z.string(), reason: z.string() }))
    .describe("topics that the broker refuses; each is skipped until the next connection"),
});

const findingSchema = z.strictObject({
  lane: nameSchema,
  camera: nameSchema.optional().describe("the camera whose pictures changed, if the lane has several"),
  kind: z
    .enum(["light", "dirt", "variety", "condition", "unknown", "unlike"])
    .describe(
      "`light`: lamp, exposure or white balance; `dirt`: on the lens or its cover, or focus; `variety`: fruit of another kind; `condition`: faults of another kind; `unknown`: more strangers; `unlike`: the line never looked like the references",
    ),
  since: time.describe("when it began"),
  text: z.string().describe("what was measured and what to do"),
});

/** How the device is. */
export const healthSchema = z.strictObject({
  at: time,
  uptimeS: z.number().min(0),
  journal: z.strictObject({
    depth: count.describe("verdicts that the broker has not acknowledged"),
    bytes: count.describe("size on disk"),
    dropped: count.describe("verdicts given up for the bound, oldest first, since the journal was made"),
    waiting: count.describe("verdicts in memory that the disk has not taken yet"),
    lost: count.describe("verdicts that never became durable, since the journal was made"),
    skipped: count.describe(
      "numbers skipped because it was unknown whether they had been used, since the journal was made",
    ),
    damaged: count.describe("verdicts damaged on disk before every sink had them, since the journal was made"),
    epoch: z.string().describe("as in verdicts"),
    rows: count.describe("verdicts kept, including those that every sink has"),
    sinks: z
      .array(
        z.strictObject({
          sink: z.string(),
          depth: count.describe("verdicts that it does not have yet"),
          dropped: count.describe("verdicts dropped because of the size limit before it had them"),
        }),
      )
      .describe("receivers of the verdicts; the plant's `broker` comes first"),
    problem: z.string().nullable().describe("why the disk accepts none"),
  }),
  clock: z
    .strictObject({
      steps: count.describe("times that the board's clock was set while the daemon ran"),
      lastStepS: z.number().nullable().describe("seconds of the last step; negative: backwards"),
      lastStepAt: time.nullable(),
      synchronised: z.boolean().nullable().describe("whether the clock is synchronised; null: the kernel does not say"),
    })
    .describe("times in messages follow the board's clock; the line itself uses a clock that never jumps"),
  cameras: z.array(
    z.strictObject({
      id: nameSchema,
      seen: count.describe("exposures that took place"),
      dropped: count.describe("exposures that a newer one overtook"),
      incomplete: count.describe("frames with missing pixels"),
      lost: count.describe("exposures that never arrived, by the camera's own frame numbers"),
      restarts: count.describe("times the camera was started anew"),
      blindS: z.number().min(0).describe("seconds since the start in which one of its lanes could not be seen"),
      shadows: count.describe("things of a fruit's size that passed and were taken for shadows"),
      ageMs: z.number().min(0).nullable().describe("since the newest frame came; null before the first"),
    }),
  ),
  broker: brokerSchema,
  brokers: z
    .array(brokerSchema.extend({ name: nameSchema }))
    .optional()
    .describe("further brokers that get the verdicts; absent where none is configured"),
  queue: z
    .strictObject({
      items: count.describe("unknown and unsure items that wait for a grade"),
      bytes: count.describe("size of their pictures on disk"),
      dropped: count.describe(
        "items not kept since the start, because too many came at once or the disk accepted none",
      ),
      problem: z.string().nullable().describe("why the disk accepts none"),
    })
    .describe("the unknown queue"),
  drift: z.array(findingSchema).describe("what has changed on the lanes, as in their statistics"),
  published: count.describe("verdicts acknowledged by the broker since the start"),
  late: count.describe("verdicts decided after their deadline since the start"),
  rssBytes: count,
});

/** What the device grades by. */
export const recipeSchema = z.strictObject({
  recipe: recipeName,
  previous: z
    .string()
    .nullable()
    .describe(
      "what `rollback` goes back to; `configuration`: the model and gallery that the configuration names; null: nothing",
    ),
  model: hash,
  gallery: hash,
  grades: z.array(gradeCountSchema).describe("best grade first"),
  activatedAt: time,
  calibration: z
    .strictObject({
      rule: z.string().describe("item rule"),
      alpha: z.number().min(0).max(1).describe("share of good fruit that may be called unknown"),
      fittedAt: time,
      expired: z.array(z.string()).describe("why the calibration has expired"),
    })
    .nullable()
    .describe("null until the gallery is calibrated: the usual rule and share apply"),
});

const said = z.string().describe("a grade, or the outcome of an item that has none");

/** What a recipe in the shadow would have decided. */
const shadowReportSchema = z.strictObject({
  recipe: z.string(),
  model: hash,
  gallery: hash,
  since: time.describe("since when items are counted: it became the shadow, or the device started"),
  items: count.describe("decided by both; without empty cups and fruit that nobody saw"),
  same: count,
  different: count,
  skipped: count.describe("skipped because the line needed the processor, or because it could not decide"),
  pairs: z
    .array(z.strictObject({ was: said, would: said, items: count }))
    .describe("`was`: what the verdict said; `would`: what it would have said; most first"),
  last: z
    .array(z.strictObject({ item: z.string(), lane: nameSchema, was: said, would: said, decidedAt: time }))
    .describe("the last that differ, newest first"),
  problem: z.string().nullable().describe("why it cannot decide"),
});

/** A second recipe that decides beside the first, and is only counted. */
export const shadowSchema = z.strictObject({
  at: time,
  shadow: shadowReportSchema.nullable().describe("null where there is none"),
});

/** What one lane has done since the start. */
export const laneStatsSchema = z.strictObject({
  at: time,
  lane: nameSchema,
  items: count,
  outcomes: z.strictObject({
    graded: count,
    unknown: count,
    unsure: count,
    foreign: count,
    empty: count,
    "no-image": count,
  }),
  grades: z.record(z.string(), count).describe("graded items by grade"),
  late: count,
  itemsPerS: z.number().min(0).describe("over the last ten seconds"),
  enrolling: z
    .strictObject({
      grade: z.string(),
      count: count.describe("fruit wanted"),
      items: z.array(z.string()).describe("fruit that have passed and count, in order"),
      saving: z.boolean().describe("the last one has passed and the gallery is being written"),
    })
    .nullable()
    .describe("fruit that pass are being enrolled (request `enroll`)"),
  drift: z
    .strictObject({
      learned: z.number().min(0).max(1).describe("progress, 0..1, of learning how the lane is normally"),
      learntFrom: time.nullable().describe("when learning began; null before the first item"),
      findings: z.array(findingSchema.omit({ lane: true })).describe("what has changed, the oldest first"),
      signals: z.array(
        z.strictObject({
          signal: z.string(),
          baseline: z.number().nullable().describe("normal mean; null while it is being learned"),
          now: z.number().nullable().describe("mean of the newest items"),
          since: time.nullable().describe("when it shifted; null if it has not"),
        }),
      ),
    })
    .describe("how the lane has changed since it was learned; logarithms, where used, are to base 2"),
});

export type StateMessage = z.output<typeof stateSchema>;
export type InfoMessage = z.output<typeof infoSchema>;
export type HealthMessage = z.output<typeof healthSchema>;
export type BrokerHealth = z.output<typeof brokerSchema>;
export type RecipeMessage = z.output<typeof recipeSchema>;
export type LaneStatsMessage = z.output<typeof laneStatsSchema>;
export type ShadowMessage = z.output<typeof shadowSchema>;
export type ShadowReport = z.output<typeof shadowReportSchema>;
