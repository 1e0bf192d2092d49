import { open, rm } from "node:fs/promises";
import { GradelineError } from "../../device/base/errors.ts";
import { unwritable } from "../../device/base/files.ts";
import { fingerprint, makeKey } from "../../device/recipes/bundle/signing.ts";
import type { Context } from "../cli/context.ts";

/** `release key`: makes a pair of keys and writes the private one to a file that only its owner may read. */
export async function releaseKey({ json }: Context, out: string): Promise<void> {
  const { secret, publicKey } = makeKey();
  await writeSecret(out, secret);
  if (json) {
    process.stdout.write(`${JSON.stringify({ key: out, publicKey, fingerprint: fingerprint(publicKey) })}\n`);
    return;
  }
  process.stdout.write(
    `${out}: the private key; keep a copy where only you have it, whoever has it can release recipes\n\n` +
      "A daemon accepts recipes signed by this key if its configuration has the public key:\n\n" +
      `recipes:\n  trust:\n    - ${publicKey}\n`,
  );
}

/** Never overwrites a key: boards would no longer trust recipes that the old key has signed. */
async function writeSecret(path: string, secret: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(secret);
      await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(path, error);
    throw new GradelineError("FILE", `${path} exists; a key is never overwritten`, {
      hint: "name another file with --out",
    });
  }
}
