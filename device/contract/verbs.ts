import { z } from "zod";
import { nameSchema } from "../config/schema.ts";
import { lotOnLaneSchema, lotSchema } from "./lot.ts";
import { count, hash, recipeName, shadowSchema, time } from "./messages.ts";

/** Ties an answer to its question where the connection is MQTT 3.1.1; MQTT 5 has correlation data. */
const transaction = z
  .union([z.string().max(64), z.number().int()])
  .optional()
  .describe("returned unchanged in the answer");

const outletStateSchema = z.enum(["open", "full", "stopped"]);

const empty = z.strictObject({});

const place = z.number().int().min(1);
const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/, "a number, or a time like 2026-11-23T15:04:05Z");

const activated = z.strictObject({
  recipe: recipeName,
  previous: z.string().nullable().describe("what `rollback` goes back to, as in the message `recipe`"),
  changed: z.boolean().describe("false if it was active already"),
  model: hash,
  gallery: hash,
  references: count.describe("enrolled items in all"),
});

/** What each verb takes and gives, besides `transaction` and `status`. */
export const verbs = {
  pause: {
    description: "Stop grading until `resume`.",
    urgent: () => true,
    request: empty,
    data: z.strictObject({ paused: z.literal(true) }),
  },
  resume: {
    description: "Grade again.",
    urgent: () => true,
    request: empty,
    data: z.strictObject({ paused: z.literal(false) }),
  },
  snapshot: {
    description: "The latest frame of a camera as a picture.",
    request: z.strictObject({ camera: nameSchema.optional().describe("default: the first one") }),
    data: z.strictObject({
      camera: nameSchema,
      exposedAt: time,
      widthPx: count,
      heightPx: count,
      jpeg: z.string().describe("base64"),
    }),
  },
  trigger: {
    description:
      "Let the cameras of a lane expose one frame now, where they wait for software triggers or action commands; all of their group in `triggers`.",
    request: z.strictObject({ lane: nameSchema.optional().describe("default: the first one") }),
    data: z.strictObject({
      lane: nameSchema,
      camera: nameSchema,
      exposures: z
        .array(z.strictObject({ camera: nameSchema, at: time.describe("when it was told to, and its delay") }))
        .optional()
        .describe("of each camera that was triggered"),
    }),
  },
  reload: {
    description: "Read the gallery again; the old one stays in use where the new one is refused.",
    concurrent: true,
    request: empty,
    data: z.strictObject({ gallery: hash, references: count }),
  },
  activate: {
    description:
      "Grade by another recipe from the next item on; items in view are decided by the one they began with. Until its model is proven and the change is on disk everything stays as it is.",
    concurrent: true,
    request: z.strictObject({
      recipe: z
        .string()
        .max(80)
        .describe("name and version of an installed recipe, or the digest of a recipe in the inbox"),
    }),
    data: activated,
  },
  rollback: {
    description: "Grade by what was graded by before the recipe that is active was activated.",
    concurrent: true,
    request: empty,
    data: activated,
  },
  shadow: {
    description:
      "Let a second recipe decide beside the first, and only count how they differ (`recipe`), or end that (`stop`); without either tell what was counted. It never changes a verdict.",
    concurrent: true,
    request: z.strictObject({
      recipe: z.string().max(80).optional().describe("as in `activate`"),
      stop: z.boolean().optional(),
    }),
    data: shadowSchema,
  },
  enroll: {
    description:
      "Make fruit references of a grade: items that are still kept (`grade`, `items`), or the next that pass a lane (`lane`, `grade`, `count`), all of them or none. Grading goes on meanwhile; the answer comes when they count.",
    concurrent: true,
    urgent: ({ count }) => count === 0,
    request: z.strictObject({
      grade: z.string().max(100).optional().describe("a new one needs no training"),
      items: z.array(z.string().max(120)).max(200).optional().describe("names of items, as in verdicts"),
      lane: nameSchema.optional(),
      count: z.number().int().optional().describe("1 to 200; 0 cancels what is running on the lane"),
      idleS: z
        .number()
        .min(1)
        .max(3600)
        .optional()
        .describe("seconds without any fruit after which nothing is enrolled; default 120"),
    }),
    data: z.strictObject({
      cancelled: z.boolean(),
      grade: z.string().nullable(),
      items: z.array(z.strictObject({ item: z.string().describe("also the name of its reference"), views: count })),
      gallery: hash.nullable().describe("the gallery that grades from now on"),
      references: count.nullable().describe("enrolled items in all"),
    }),
  },
  dismiss: {
    description: "Take items out of the unknown queue without enrolling them.",
    request: z.strictObject({ items: z.array(z.string().max(120)).min(1).max(1000) }),
    data: z.strictObject({ dismissed: count.describe("how many of the items were in the queue") }),
  },
  replay: {
    description:
      "Publish kept verdicts of a lane again, on its topic, marked as backlog; fresh ones go first. Numbers and times that are named are included. After a lost connection ask again.",
    request: z.strictObject({
      lane: nameSchema,
      from: z.union([place, moment]).optional().describe("a number or a time of decision; default: the first one kept"),
      to: z.union([place, moment]).optional().describe("a number or a time of decision; default: the last one"),
    }),
    data: z.strictObject({ lane: nameSchema, count: count.describe("verdicts that will be published") }),
  },
  lot: {
    description:
      "Set the lot that fruit belong to which come into view from now on: of one lane, or of all. `lot: null` ends it; without `lot` tell which are on.",
    request: z.strictObject({
      lane: nameSchema.optional().describe("default: all"),
      lot: lotSchema.nullable().optional(),
    }),
    data: z.strictObject({ lots: z.array(lotOnLaneSchema) }),
  },
  outlet: {
    description:
      "Close an outlet that is full or stopped, or open it again; its fruit go by the next rule of `products`. Without a state tell how they are.",
    request: z.strictObject({
      outlet: nameSchema.optional(),
      state: outletStateSchema.optional(),
    }),
    data: z.strictObject({ outlets: z.array(z.strictObject({ outlet: nameSchema, state: outletStateSchema })) }),
  },
  relearn: {
    description: "Take a lane as it is from now on as how it should be: learn anew what drift is held against.",
    request: z.strictObject({ lane: nameSchema.optional().describe("default: all") }),
    data: z.strictObject({ lanes: z.array(nameSchema) }),
  },
} as const satisfies Record<string, VerbContract>;

export interface VerbContract {
  readonly description: string;
  readonly request: z.ZodObject;
  readonly data: z.ZodObject;
  /** It may last: served beside the others instead of in its turn, and ends by itself. */
  readonly concurrent?: true;
  /** It is done at once, whatever else runs or waits, and its answer passes the others. */
  readonly urgent?: (request: Record<string, unknown>) => boolean;
}

export type Verb = keyof typeof verbs;
export const verbNames = Object.keys(verbs) as Verb[];

/** The message on `request/<verb>`; nothing at all is the same as `{}`. */
export function requestSchema(verb: Verb): z.ZodObject {
  return verbs[verb].request.extend({ transaction });
}

const failureSchema = z.strictObject({
  code: z.string().describe("as in the log, e.g. `REQUEST`"),
  message: z.string(),
  hint: z.string().optional().describe("what to do about it"),
});

export const refusalSchema = z.strictObject({ status: z.literal("error"), error: failureSchema, transaction });

/** The message on `response/<verb>`, or on the response topic that the request named. */
export function responseSchema(verb: Verb): z.ZodType {
  return z.discriminatedUnion("status", [
    z.strictObject({ status: z.literal("ok"), data: verbs[verb].data, transaction }),
    refusalSchema,
  ]);
}

export type Failure = z.output<typeof failureSchema>;
export type RequestOf<V extends Verb> = z.output<(typeof verbs)[V]["request"]>;
export type DataOf<V extends Verb> = z.output<(typeof verbs)[V]["data"]>;
export type Response =
  | { readonly status: "ok"; readonly data: unknown; readonly transaction?: string | number }
  | { readonly status: "error"; readonly error: Failure; readonly transaction?: string | number };

/** What answers a request; a verb without one is refused as not available. */
export type Handlers = { readonly [V in Verb]?: (request: RequestOf<V>) => Promise<DataOf<V>> };
