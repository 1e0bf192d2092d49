import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { open } from "node:fs/promises";
import { GradelineError } from "../../base/errors.ts";
import { shortHash } from "../../base/short-hash.ts";

/*
 * Ed25519 (RFC 8032). A public key is written `ed25519:` and its 32 bytes in base64url, as `recipes.trust` takes it; a
 * private one is a PEM file (PKCS #8) that only its owner may read.
 */

const PREFIX = "ed25519:";
/** What a signature is for: one over something else never passes for one over a recipe. */
const PURPOSE = new TextEncoder().encode("gradeline recipe 1\n");
const MAX_KEY_BYTES = 16 * 1024;
const SIGNATURE_BYTES = 64;

export interface NewKey {
  /** PEM. */
  readonly secret: string;
  /** As `recipes.trust` takes it. */
  readonly publicKey: string;
}

export function makeKey(): NewKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { secret: privateKey.export({ type: "pkcs8", format: "pem" }) as string, publicKey: textOf(publicKey) };
}

/** A private key, to sign with. Nothing of it is ever part of a message. */
export class Signer {
  /** As `recipes.trust` takes it. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    this.#key = key;
    this.publicKey = textOf(createPublicKey(key));
  }

  /** @throws {GradelineError} FILE when there is none, others may read it, or it is of another kind */
  static async read(path: string): Promise<Signer> {
    const { text, mode } = await readKeyFile(path);
    if ((mode & 0o077) !== 0) {
      throw new GradelineError(
        "FILE",
        `${path} may be read by others (mode ${(mode & 0o777).toString(8)}), wanted 600`,
        {
          hint: `chmod 600 ${path}; where others may have read it, make a new one: gradeline-calibrate release key`,
        },
      );
    }
    let key: KeyObject;
    try {
      key = createPrivateKey(text);
    } catch {
      // The cause would quote what is in the file.
      throw new GradelineError("FILE", `${path} is no private key in PEM`, { hint: MAKE_HINT });
    }
    if (key.asymmetricKeyType !== "ed25519") {
      throw new GradelineError("FILE", `${path} is a key of kind ${key.asymmetricKeyType}, wanted ed25519`, {
        hint: MAKE_HINT,
      });
    }
    return new Signer(key);
  }

  /** @returns 64 bytes */
  sign(manifest: Uint8Array): Uint8Array {
    return sign(null, Buffer.concat([PURPOSE, manifest]), this.#key);
  }
}

/** @param publicKey as `recipes.trust` takes it */
export function isSigned(manifest: Uint8Array, signature: Uint8Array, publicKey: string): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  return verify(null, Buffer.concat([PURPOSE, manifest]), keyOf(publicKey), signature);
}

/** Short enough to be read out. */
export function fingerprint(publicKey: string): string {
  return shortHash(createHash("sha256").update(rawOf(publicKey)).digest("hex"));
}

const MAKE_HINT = "make one: gradeline-calibrate release key --out FILE";

function textOf(key: KeyObject): string {
  return PREFIX + key.export({ format: "jwk" }).x;
}

function rawOf(publicKey: string): Buffer {
  return Buffer.from(publicKey.slice(PREFIX.length), "base64url");
}

function keyOf(publicKey: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey.slice(PREFIX.length) }, format: "jwk" });
}

async function readKeyFile(path: string): Promise<{ text: string; mode: number }> {
  try {
    const file = await open(path, "r");
    try {
      const { mode, size } = await file.stat();
      if (size > MAX_KEY_BYTES) throw new Error(`it has ${size} bytes, a key has at most ${MAX_KEY_BYTES}`);
      return { text: await file.readFile("utf8"), mode };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new GradelineError("FILE", `the key ${path} cannot be read: ${(error as Error).message}`, {
      hint: MAKE_HINT,
      cause: error,
    });
  }
}
