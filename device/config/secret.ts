import { z } from "zod";

export const secretSchema = z
  .strictObject({
    file: z.string().min(1).optional().describe("file that holds the secret on its first line"),
    env: z.string().min(1).optional().describe("environment variable that holds the secret"),
    credential: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, "a name: letters, digits, _ . and -")
      .optional()
      .describe("credential that systemd hands to the service: LoadCredential=NAME:FILE in a drop-in of the unit"),
  })
  .refine(
    (value) => Object.values(value).filter((place) => place !== undefined).length === 1,
    "give one of `file`, `env` and `credential`",
  )
  .describe("a secret is never written here: name the file or the environment variable that holds it");

export type SecretConfig = z.output<typeof secretSchema>;
