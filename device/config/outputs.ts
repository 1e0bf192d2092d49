import { z } from "zod";
import { nameSchema } from "./names.ts";
import { secretSchema } from "./secret.ts";

const host = z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, "a name or an address");
const port = z.number().int().min(1).max(65_535);

export const modbusSchema = z
  .strictObject({
    host: host.default("127.0.0.1").describe("address to listen on; 0.0.0.0 for all"),
    port: port.default(1502).describe("502 is the usual one; below 1024 the service needs CAP_NET_BIND_SERVICE"),
    unit: z.number().int().min(1).max(255).default(255).describe("number that PLCs address; 255 answers to all"),
  })
  .describe("results of each lane for PLCs, as device/contract/published/MODBUS.md says");

export const postgresSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^postgres(ql)?:\/\/[^\s@]+\/[^\s/@?]+$/, "postgres://host:port/database; a login does not belong here")
      .describe("postgres://host:port/database"),
    username: z.string().min(1).max(63),
    password: secretSchema.optional(),
    ca: z
      .string()
      .optional()
      .describe("PEM file of the authority that signed the server's certificate; without it no TLS"),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,40}$/, "lower-case letters, digits and _")
      .default("gradeline")
      .describe("of the tables; made where it is missing"),
  })
  .describe("every verdict as a row of a PostgreSQL database");

const pulse = {
  id: nameSchema,
  lanes: z.array(nameSchema).min(1).optional().describe("all where absent"),
  outlets: z.array(nameSchema).min(1).optional().describe("fires for these outlets"),
  grades: z.array(z.string().min(1)).min(1).optional().describe("fires for these grades"),
  outcomes: z
    .array(z.enum(["graded", "unknown", "unsure", "foreign", "empty", "no-image"]))
    .min(1)
    .optional()
    .describe("fires for these outcomes"),
  late: z.enum(["skip", "fire"]).default("skip").describe("what a verdict does that comes after its gate"),
  leadMs: z
    .number()
    .min(-5000)
    .max(5000)
    .default(0)
    .describe("so much earlier than the gate: what the gate needs to move"),
  pulseMs: z.number().min(1).max(5000).default(50),
};

const udpSchema = z.strictObject({
  kind: z.literal("udp"),
  ...pulse,
  host,
  port,
});

const coilSchema = z.strictObject({
  kind: z.literal("modbus"),
  ...pulse,
  host,
  port: port.default(502),
  unit: z.number().int().min(0).max(255).default(1),
  coil: z.number().int().min(0).max(65_535),
});

const gpioSchema = z.strictObject({
  kind: z.literal("gpio"),
  ...pulse,
  chip: z.string().regex(/^\/dev\/[A-Za-z0-9._/-]+$/, "a device such as /dev/gpiochip0"),
  line: z.number().int().min(0).max(1023),
  activeLow: z.boolean().default(false).describe("the safe state is high"),
});

export const outputsSchema = z
  .array(z.discriminatedUnion("kind", [udpSchema, coilSchema, gpioSchema]))
  .max(64)
  .default([])
  .describe("what acts at the gate itself, without a controller");

export type ModbusConfig = z.output<typeof modbusSchema>;
export type PostgresConfig = z.output<typeof postgresSchema>;
export type OutputConfig = z.output<typeof outputsSchema>[number];

/** Outputs that name lanes or outlets which are not there, or have a name twice. */
export function outputFaults({
  outputs,
  lanes,
  products,
}: {
  readonly outputs: readonly OutputConfig[];
  readonly lanes: readonly { readonly id: string }[];
  readonly products: { readonly outlets: readonly { readonly id: string }[] };
}): { path: (string | number)[]; text: string }[] {
  const faults: { path: (string | number)[]; text: string }[] = [];
  outputs.forEach((output, index) => {
    if (outputs.findIndex(({ id }) => id === output.id) < index) {
      faults.push({ path: ["outputs", index, "id"], text: `found ${output.id} a second time, each must be its own` });
    }
    for (const [key, known] of [
      ["lanes", lanes],
      ["outlets", products.outlets],
    ] as const) {
      const names = known.map(({ id }) => id);
      output[key]?.forEach((name, place) => {
        if (names.includes(name)) return;
        const wanted = names.join(", ") || "none is configured";
        faults.push({ path: ["outputs", index, key, place], text: `found ${name}, wanted one of: ${wanted}` });
      });
    }
  });
  return faults;
}
