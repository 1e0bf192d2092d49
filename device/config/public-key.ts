import { z } from "zod";

/** A public key as configurations and signatures name it. */
export const publicKeySchema = z
  .string()
  .regex(/^ed25519:[A-Za-z0-9_-]{43}$/, "ed25519: and 43 letters, digits, - or _")
  .describe("a public key as `gradeline-calibrate release key` prints it");
