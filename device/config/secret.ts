import { z } from "zod";

export const secretSchema = z
  .strictObject({
    file: z.string().min(1).optional().describe("file that holds the secret on its first line"),
    env: z.string().min(1).optional().describe("environment variable that holds the secret"),
  })
  .refine((value) => (value.file === undefined) !== (value.env === undefined), "give either `file` or `env`")
  .describe("a secret is never written here: name the file or the environment variable that holds it");

export type SecretConfig = z.output<typeof secretSchema>;
