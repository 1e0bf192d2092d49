import { join } from "node:path";
import { z } from "zod";
import { SHIPPED_MODEL, serviceFolder } from "../base/service.ts";
import { gigeSchema, gstSchema, libcameraSchema } from "./camera.ts";
import { laneSchema } from "./lane.ts";
import { brokerSchema, mqttSchema } from "./mqtt.ts";
import { nameSchema } from "./names.ts";
import { modbusSchema, outputsSchema, postgresSchema } from "./outputs.ts";
import { productsSchema } from "./products.ts";
import { publicKeySchema } from "./public-key.ts";
import { secretSchema } from "./secret.ts";
import { triggerGroupSchema } from "./triggers.ts";

/** Grade names as operators write them: no control characters, no path or topic separators. */
export const gradeSchema = z
  .string()
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,38}[\p{L}\p{N}._-])?$/u,
    "1 to 40 letters, digits, spaces, . _ or -, starting with a letter or digit and not ending with a space",
  )
  .refine((name) => name !== "unknown", "`unknown` is what belongs to no grade, it cannot be one");

const positive = z.number().positive();
const count = z.number().int().min(1);

const replaySchema = z
  .strictObject({
    kind: z.literal("replay"),
    path: z.string().min(1).describe("a folder of images in name order, or a recording (frames.jsonl with its images)"),
    fps: positive.max(1000).default(30).describe("frames per second of a folder; a recording keeps its own times"),
    pace: z
      .enum(["real", "fast"])
      .default("real")
      .describe("`real` keeps the times between frames, `fast` waits for nothing"),
    loop: z.boolean().default(false).describe("begin again after the last frame"),
    startAt: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe(
        "in real pace, moment at which the recording begins, microseconds since the Unix epoch; 0: when opened",
      ),
    inStepWith: z
      .array(z.string().min(1))
      .max(16)
      .default([])
      .describe("recordings of other cameras made at the same time; those of one lane are in step by themselves"),
  })
  .describe("frames from disk");

const lineSchema = z
  .strictObject({
    kind: z.literal("line"),
    conveyor: z.enum(["belt", "cups"]).default("belt"),
    lanes: z.number().int().min(1).max(2).default(1).describe("rows of fruit in the frame"),
    widthPx: z.number().int().min(64).max(4096).default(1280),
    heightPx: z.number().int().min(64).max(4096).default(720),
    fps: positive.max(240).default(30).describe("frames per second of a belt; cups are triggered once per pitch"),
    mmPerPx: positive.default(0.58),
    speedMmPerS: positive.default(800),
    spacingMm: positive.default(150).describe("mean distance between fruit on a belt, pitch on cups"),
    touching: z.number().min(0).max(1).default(0.15).describe("share of belt fruit that touch the one ahead"),
    emptyCups: z.number().min(0).max(1).default(0.1).describe("share of cups without fruit"),
    seed: z.number().int().min(0).default(1),
    strangers: z.number().min(0).max(1).default(0.08).describe("share of items that belong to no enrolled grade"),
    varieties: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("varieties of models/fruit.json that run on the line; all where absent"),
    fruit: z
      .string()
      .min(1)
      .optional()
      .describe("folder GRADE/ITEM/*.jpg of real turning sequences instead of rendered fruit"),
    individuals: z
      .enum(["all", "even", "odd"])
      .default("all")
      .describe("which items of each grade of `fruit`, counted from 0: so that those enrolled are not those seen"),
    gateMm: z.number().min(0).default(400).describe("from the frame's exit edge to the gate"),
    lightDrift: z.number().min(0).max(0.5).default(0).describe("slow change of the lamp, share of its mean"),
    lampGain: z.number().min(0.1).max(3).default(1).describe("brightness of the lamp from `lampAtS` on"),
    lampAtS: z.number().min(0).default(0).describe("seconds after the start at which the lamp changes"),
    circulate: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe("so many fruit go round again and again, the same on every lane, turned otherwise each time"),
    startAt: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("moment at which the line starts, microseconds since the Unix epoch; 0: when opened"),
    items: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("items per lane after which the line runs empty and the source ends"),
    rolls: z
      .boolean()
      .default(true)
      .describe("whether fruit roll; where they lie still, a camera sees one side of each"),
    speedWave: z.number().min(0).max(0.5).default(0).describe("slow change of a belt's speed, share of its mean"),
    seenFrom: z
      .strictObject({
        angleDeg: z
          .number()
          .min(-180)
          .max(180)
          .default(0)
          .describe("about the direction of travel: 0 from above, 90 from the right"),
        offsetMm: z.number().min(0).max(5000).default(0).describe("of its frame's entry edge along the belt"),
        mount: z
          .enum(["upright", "upside-down", "mirrored"])
          .default("upright")
          .describe("mirrored: what lies to the right is seen to the left"),
        clockMs: z.number().min(-1000).max(1000).default(0).describe("by so much its clock is ahead"),
        clockDriftMsPerS: z.number().min(-10).max(10).default(0).describe("and so much more each second"),
        phaseMs: z.number().min(0).max(1000).default(0).describe("of its exposures on a belt"),
      })
      .prefault({})
      .describe("where this camera stands: several with the same seed see the same fruit from different sides"),
    pace: z.enum(["real", "fast"]).default("real"),
  })
  .describe("a simulated line: a pure function of its seed and the time");

export const sourceSchema = z.discriminatedUnion("kind", [
  replaySchema,
  lineSchema,
  gstSchema,
  gigeSchema,
  libcameraSchema,
]);

const recordSchema = z
  .strictObject({
    path: z.string().min(1).describe("folder; each camera has one of its own in it"),
    maxBytes: z
      .number()
      .int()
      .min(1_048_576)
      .default(4 * 1024 ** 3),
    maxAgeS: positive.default(600).describe("frames older than that go, whatever room is left"),
    compress: z.boolean().default(false).describe("a quarter smaller, at six times the work"),
  })
  .describe("keeps the newest frames on disk, without loss, for looking at what happened; `replay` plays them");

const cameraSchema = z.strictObject({ id: nameSchema, source: sourceSchema, record: recordSchema.optional() });

/** How an item may end, each with the number that controllers get for it unless the configuration gives another. */
export const OUTCOME_CODES = { graded: 1, unknown: 2, unsure: 3, foreign: 4, empty: 5, "no-image": 6 } as const;

const codeSchema = z.number().int().min(0).max(65_535);

function differ(codes: Readonly<Record<string, number>>): boolean {
  const numbers = Object.values(codes);
  return new Set(numbers).size === numbers.length;
}

const outcomeCodesSchema = z
  .strictObject({
    graded: codeSchema.default(OUTCOME_CODES.graded),
    unknown: codeSchema.default(OUTCOME_CODES.unknown),
    unsure: codeSchema.default(OUTCOME_CODES.unsure),
    foreign: codeSchema.default(OUTCOME_CODES.foreign),
    empty: codeSchema.default(OUTCOME_CODES.empty),
    "no-image": codeSchema.default(OUTCOME_CODES["no-image"]),
  })
  .refine(differ, "two outcomes have the same number");

const messagesSchema = z.strictObject({
  version: z
    .union([z.literal(1), z.literal(2)])
    .default(2)
    .describe("form of the messages; 1 for receivers that do not know version 2 yet"),
  asciiOnly: z.boolean().default(false).describe("write every character beyond ASCII as a JSON escape"),
  gradeCodes: z
    .record(z.string(), codeSchema.min(1))
    .refine(differ, "two grades have the same number")
    .transform((codes): ReadonlyMap<string, number> => new Map(Object.entries(codes)))
    .optional()
    .describe("number of each grade for controllers; 1 for the best, then in order, if absent"),
  outcomeCodes: outcomeCodesSchema.prefault({}).describe("number of each outcome for controllers"),
});

function inState(name: string): string {
  return join(serviceFolder("STATE_DIRECTORY"), name);
}

export const configSchema = z.strictObject({
  device: nameSchema.describe("name of this board in topics"),
  model: z
    .string()
    .optional()
    .transform((path) => path ?? SHIPPED_MODEL)
    .describe("description of the embedding model; the shipped one where absent"),
  gallery: z
    .string()
    .optional()
    .transform((path) => path ?? inState("gallery"))
    .describe("folder of the gallery; `gallery` in the service's state folder where absent"),
  embedder: z
    .strictObject({
      backend: z
        .enum(["auto", "node", "native"])
        .default("auto")
        .describe(
          "`node`: the npm package; `native`: a libonnxruntime.so of the board; `auto`: that where there is one",
        ),
      provider: z
        .enum(["auto", "gpu", "tensorrt", "cuda", "webgpu", "cpu"])
        .default("auto")
        .describe("`auto` may end on the CPU and says so; any other is that or no start, `gpu` is TensorRT or CUDA"),
      webgpu: z.boolean().default(false).describe("`auto` may take WebGPU after TensorRT and CUDA"),
      precision: z
        .enum(["auto", "fp32", "fp16", "int8"])
        .default("auto")
        .describe("`auto`: fp16 with TensorRT, else fp32; int8 wants a gallery of its own"),
      library: z
        .string()
        .min(1)
        .optional()
        .describe("libonnxruntime.so of the board, or its folder; looked for if absent"),
      device: z.number().int().min(0).max(63).default(0).describe("number of the GPU"),
      engineCache: z.string().min(1).optional().describe("folder in which TensorRT engines are kept"),
      cudaGraph: z
        .boolean()
        .default(false)
        .describe("native backend: record each batch size's run on the GPU once and replay it"),
      threads: z.number().int().min(1).max(64).default(1),
      maxBatch: z.number().int().min(1).max(256).default(16),
      maxDelayMs: z.number().min(0).max(1000).default(3).describe("longest wait for a batch to fill"),
    })
    .prefault({}),
  cameras: z
    .array(cameraSchema)
    .max(16)
    .describe(
      "none: the daemon runs, grades nothing and says so; `gradeline-calibrate setup` finds those of the board",
    ),
  lanes: z.array(laneSchema).max(32),
  journal: z
    .strictObject({
      path: z
        .string()
        .optional()
        .transform((path) => path ?? inState("journal.sqlite"))
        .describe("`journal.sqlite` in the service's state folder, /var/lib/gradeline, where absent"),
      maxRows: count.default(1_000_000).describe("verdicts kept while a sink has not got them, oldest go first"),
      maxBytes: z
        .number()
        .int()
        .min(65_536)
        .default(2 * 1024 * 1024 * 1024)
        .describe("size of the file, of which the same is true"),
      keepDays: z.number().min(0).max(3650).default(7).describe("days of running for which every verdict is kept"),
      keepBytes: z
        .number()
        .int()
        .min(0)
        .default(1_000_000_000)
        .describe("size above which verdicts that every sink has are forgotten before that"),
    })
    .prefault({}),
  queue: z
    .strictObject({
      path: z.string().min(1).optional().describe("folder of unknown items; `queue` beside the journal where absent"),
      maxItems: z.number().int().min(1).max(10_000).default(500),
      maxBytes: z
        .number()
        .int()
        .min(1_048_576)
        .default(256 * 1024 * 1024),
    })
    .prefault({})
    .describe("items that were unknown or unsure, kept with their views until they are answered; oldest go first"),
  drift: z
    .strictObject({
      path: z
        .string()
        .min(1)
        .optional()
        .describe("file of what is known; `drift.json` beside the journal where absent"),
      baselineItems: z
        .number()
        .int()
        .min(40)
        .max(1_000_000)
        .default(2000)
        .describe("first items of a lane, which say how light and fruit are when all is well"),
    })
    .prefault({})
    .describe("what has changed since: light, dirt on the lens, fruit of another kind"),
  recipes: z
    .strictObject({
      path: z
        .string()
        .min(1)
        .optional()
        .describe("folder of installed recipes; `recipes` beside the journal if absent"),
      trust: z
        .array(publicKeySchema)
        .max(16)
        .default([])
        .describe("public keys whose signatures count; without one no recipe is taken"),
      keep: z.number().int().min(2).max(100).default(5).describe("recipes kept on disk, to go back to"),
    })
    .prefault({})
    .describe("signed recipes, which take the place of `model` and `gallery` once one is activated"),
  triggers: z.array(triggerGroupSchema).max(16).default([]),
  lots: z
    .strictObject({
      path: z
        .string()
        .min(1)
        .optional()
        .describe("folder of what is known of lots; `lots` beside the journal if absent"),
      pictures: z
        .number()
        .int()
        .min(0)
        .max(10_000)
        .default(100)
        .describe("lots whose pictures are kept for their reports"),
      shifts: z
        .array(
          z.strictObject({
            name: nameSchema,
            from: z.string().regex(/^([01]\d|2[0-3]):(00|15|30|45)$/, "a quarter of an hour such as 05:45"),
          }),
        )
        .max(12)
        .default([])
        .describe("when shifts begin, by the board's local time; a shift lasts until the next one begins"),
      tolerances: z
        .array(
          z.strictObject({
            name: z.string().min(1).max(60),
            grades: z.array(gradeSchema).min(1).max(20).describe("that it limits, together"),
            percent: z.number().min(0).max(100).describe("of the lot's fruit, by number"),
          }),
        )
        .max(20)
        .default([])
        .describe("one's own limits, which a lot's report holds it against beside UNECE's and USDA's"),
    })
    .prefault({})
    .describe("lots of fruit, as growers deliver them"),
  products: productsSchema,
  mqtt: mqttSchema.prefault({}),
  brokers: z
    .array(brokerSchema)
    .max(4)
    .default([])
    .describe("further brokers that get the verdicts and nothing else, each at its own pace"),
  homeAssistant: z
    .strictObject({
      prefix: z
        .string()
        .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, "a topic without + and #")
        .default("homeassistant")
        .describe("as in Home Assistant's MQTT integration"),
    })
    .optional()
    .describe("tells Home Assistant (2024.11 on) what this device has, over the same broker"),
  modbus: modbusSchema.optional(),
  postgres: postgresSchema.optional(),
  outputs: outputsSchema,
  messages: messagesSchema.prefault({}),
  console: z
    .strictObject({
      host: z.string().default("127.0.0.1"),
      port: z.number().int().min(0).max(65_535).default(8480).describe("0: any free port"),
      token: secretSchema.optional(),
      enabled: z.boolean().default(true),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info") })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type SourceConfig = z.output<typeof sourceSchema>;
export type ReplayConfig = z.output<typeof replaySchema>;
export type LineConfig = z.output<typeof lineSchema>;
export type { BeltConfig, CupsConfig, LaneCamera, LaneConfig } from "./lane.ts";
export type JournalConfig = Config["journal"];
export type SecretConfig = z.output<typeof secretSchema>;
export type { BrokerConfig, MqttConfig } from "./mqtt.ts";
export { NAME_PATTERN, NAME_WORDS, nameSchema } from "./names.ts";
export { lineSchema, replaySchema };
