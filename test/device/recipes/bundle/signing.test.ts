import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fingerprint, isSigned, makeKey, Signer } from "../../../../device/recipes/bundle/signing.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

test("a signature counts for its own bytes and key alone, and only where it is whole", async (t) => {
  const { secret, publicKey } = makeKey();
  const path = join(await temporaryFolder(t), "key");
  await writeFile(path, secret, { mode: 0o600 });
  const signer = await Signer.read(path);
  assert.equal(signer.publicKey, publicKey);
  const manifest = Buffer.from('{"name":"apples"}');
  const signature = signer.sign(manifest);
  assert.equal(signature.length, 64);
  assert.equal(isSigned(manifest, signature, publicKey), true);
  assert.equal(isSigned(Buffer.from('{"name":"apple"}'), signature, publicKey), false);
  assert.equal(isSigned(manifest, signature, makeKey().publicKey), false);
  for (const wrong of [signature.subarray(0, 63), Buffer.concat([signature, Buffer.alloc(1)]), new Uint8Array(0)]) {
    assert.equal(isSigned(manifest, wrong, publicKey), false, `${wrong.length} bytes`);
  }
  const flipped = signature.slice();
  flipped[40]! ^= 1;
  assert.equal(isSigned(manifest, flipped, publicKey), false);
});

test("a key's short name is sixteen hex digits, the same for the same key", () => {
  const { publicKey } = makeKey();
  assert.match(fingerprint(publicKey), /^[0-9a-f]{16}$/);
  assert.equal(fingerprint(publicKey), fingerprint(publicKey));
  assert.notEqual(fingerprint(publicKey), fingerprint(makeKey().publicKey));
});

test("a key file of more than a key's size is not read", async (t) => {
  const path = join(await temporaryFolder(t), "key");
  await writeFile(path, "x".repeat(16 * 1024 + 1), { mode: 0o600 });
  await assert.rejects(Signer.read(path), { code: "FILE", message: /16385 bytes, a key has at most 16384/ });
  await writeFile(path, "x".repeat(16 * 1024), { mode: 0o600 });
  await assert.rejects(Signer.read(path), { code: "FILE", message: /no private key in PEM/ });
});
