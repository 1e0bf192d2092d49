import { z } from "zod";
import { nameSchema } from "./names.ts";
import { secretSchema } from "./secret.ts";

const urlSchema = z.string().regex(/^(mqtts?|wss?|tcp|tls):\/\/[^\s]+$/, "mqtt://host:port or mqtts://host:port");

const connection = {
  url: urlSchema.default("mqtt://127.0.0.1:1883"),
  urls: z
    .array(urlSchema)
    .min(1)
    .max(8)
    .optional()
    .describe("brokers that are tried in turn, in the place of `url`: nodes that share their subscribers"),
  protocol: z.enum(["auto", "5", "3.1.1"]).default("auto").describe("`auto` tries 5 and falls back"),
  clientId: z.string().min(1).max(64).optional(),
  username: z.string().optional(),
  password: secretSchema.optional(),
  ca: z.string().optional().describe("PEM file of the authority that signed the broker's certificate"),
  cert: z.string().optional().describe("PEM file of the client's certificate"),
  key: z.string().optional().describe("PEM file of the client's key"),
  keepaliveS: z.number().int().min(1).max(3600).default(10),
  window: z.number().int().min(1).max(1000).default(20).describe("verdicts in flight to the broker at once"),
};

export const mqttSchema = z.strictObject(connection);

/** A further broker. */
export const brokerSchema = z.strictObject({
  name: nameSchema
    .refine((name) => name !== "broker" && !name.startsWith("lots-"), "another name: the journal has this one already")
    .describe("how `health` and the log call it; under another name it gets all that is kept again"),
  topic: z
    .string()
    .max(200)
    .regex(/^[^$+#\0][^+#\0]*$/, "a topic without wildcards")
    .refine((topic) => topic.replaceAll(/\{(device|lane)\}/g, "").search(/[{}]/) < 0, "knows {device} and {lane}")
    .default("gradeline/{device}/lane/{lane}/verdict")
    .describe("where verdicts go; {device} and {lane} stand for the names"),
  ...connection,
  url: urlSchema,
});

export type MqttConfig = z.output<typeof mqttSchema>;
export type BrokerConfig = z.output<typeof brokerSchema>;

/** Brokers of one connection, in the order in which they are tried. */
export function brokerUrls({ url, urls }: Pick<MqttConfig, "url" | "urls">): readonly [string, ...string[]] {
  const [first = url, ...others] = urls ?? [];
  return [first, ...others];
}
