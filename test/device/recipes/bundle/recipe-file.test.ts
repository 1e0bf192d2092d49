import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import type { Released } from "../../../../calibrate/release/make.ts";
import { GradelineError } from "../../../../device/base/errors.ts";
import { loadModel } from "../../../../device/embed/model.ts";
import { readGallery, readKeptCrops } from "../../../../device/gallery/store.ts";
import { entryHeader, entryPadding } from "../../../../device/recipes/bundle/archive.ts";
import { encodeManifest, type Manifest } from "../../../../device/recipes/bundle/manifest.ts";
import { encodeRecipe, RecipeFile } from "../../../../device/recipes/bundle/recipe-file.ts";
import { Signer } from "../../../../device/recipes/bundle/signing.ts";
import { madeCrops } from "../../../support/gallery-made.ts";
import { type MadeKey, madeKey, releaseMade, savePicturedGallery } from "../../../support/recipe-made.ts";

const ITEMS = 5;

let folder: string;
let key: MadeKey;
let made: Released;
let bytes: Buffer;
let own: string;
let tests = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-recipe-file-"));
  key = await madeKey(folder);
  await savePicturedGallery(join(folder, "gallery"), ITEMS);
  made = await releaseMade(join(folder, "gallery"), key, { out: join(folder, "made.recipe") });
  bytes = await readFile(made.file);
});
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  own = join(folder, `test-${++tests}`);
  await mkdir(own);
});

/** The file with something done to it, opened and unpacked. */
async function taken(change: (bytes: Buffer) => Buffer, trust = [key.publicKey]): Promise<string[]> {
  const path = join(own, "changed.recipe");
  await writeFile(path, change(Buffer.from(bytes)));
  return takenFrom(path, trust);
}

async function takenFrom(path: string, trust: readonly string[] = [key.publicKey]): Promise<string[]> {
  const file = await RecipeFile.open(path, trust);
  try {
    await file.extract(join(own, "out"));
  } finally {
    await file.close();
  }
  return readdir(join(own, "out"));
}

/** It is refused, with what to do, and leaves nothing behind. */
async function refused(work: Promise<unknown>, code: string, message: RegExp): Promise<GradelineError> {
  const error = await work.then(
    () => assert.fail("it was taken"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GradelineError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.ok(error.hint, "it says what to do");
  assert.ok(!(await readdir(own)).includes("out"), "nothing is left");
  return error;
}

/** The recipe with another manifest or other content, signed by the same key. */
async function signedAnew(
  change: (manifest: Manifest) => Manifest,
  content?: (path: string, bytes: Buffer) => Buffer,
): Promise<string> {
  const path = join(own, "anew.recipe");
  const parts = await partsOf(made.file);
  const pieces: Uint8Array[] = [];
  const manifest = change(made.manifest);
  for await (const piece of encodeRecipe(manifest, await Signer.read(key.path), async function* (part) {
    yield content?.(part.path, parts.get(part.path)!) ?? parts.get(part.path)!;
  })) {
    pieces.push(Buffer.from(piece));
  }
  await writeFile(path, Buffer.concat(pieces));
  return path;
}

async function partsOf(file: string): Promise<Map<string, Buffer>> {
  const out = join(own, "parts");
  await mkdir(out);
  assert.equal(spawnSync("tar", ["-xf", file, "-C", out]).status, 0);
  const parts = new Map<string, Buffer>();
  for (const { path } of made.manifest.parts) parts.set(path, await readFile(join(out, path)));
  return parts;
}

test("a recipe unpacks to the model and the gallery that were released, pictures included", async () => {
  assert.deepEqual((await taken((same) => same)).sort(), ["gallery", "manifest.json", "manifest.sig", "model"]);
  const out = join(own, "out");
  const { model } = await loadModel(join(out, made.manifest.model.description));
  const { gallery, hash } = await readGallery(join(out, "gallery"), model);
  assert.deepEqual([gallery.references.length, hash], [ITEMS, made.manifest.gallery.hash]);
  for (const [item, { id, views }] of gallery.references.entries()) {
    assert.deepEqual(await readKeptCrops(join(out, "gallery"), id, model.sizePx), madeCrops(item, views, model.sizePx));
  }
});

test("every file and folder of it is forced to the disk before it counts as unpacked", async (t) => {
  const handle = await open(made.file);
  const proto = Object.getPrototypeOf(handle) as { sync(): Promise<void> };
  await handle.close();
  const out = join(own, "out");
  const synced = new Set<string>();
  const real = proto.sync;
  t.mock.method(proto, "sync", async function (this: { fd: number }) {
    synced.add(relative(out, readlinkSync(`/proc/self/fd/${this.fd}`)));
    await real.call(this as never);
  });
  await takenFrom(made.file);
  const all = (await readdir(out, { recursive: true })).sort();
  assert.deepEqual([...synced].sort(), ["", ...all]);
  assert.ok(all.length > ITEMS + 4);
});

test("the same gallery makes the same bytes but for the time; tar lists and unpacks it", async () => {
  const { status, stdout } = spawnSync("tar", ["-tf", made.file], { encoding: "utf8" });
  assert.equal(status, 0);
  const listed = stdout.trim().split("\n");
  assert.deepEqual(listed.slice(0, 4), ["manifest.json", "manifest.sig", "model/tiny.json", "model/tiny.onnx"]);
  assert.deepEqual(
    listed.slice(2),
    made.manifest.parts.map(({ path }) => path),
  );
  const again = await signedAnew((manifest) => manifest);
  assert.deepEqual(await readFile(again), bytes);
});

test("the manifest says the grades in their order, their limits and the hash of everything", () => {
  const { grades, model, gallery, thresholds } = made.manifest;
  assert.deepEqual(
    grades.map(({ grade, items }) => [grade, items]),
    [
      ["sound", 2],
      ["second", 2],
      ["reject", 1],
    ],
  );
  assert.ok(grades.every(({ limit }) => limit > 0 && limit <= 2));
  assert.deepEqual([gallery.items, gallery.views, thresholds.rule], [ITEMS, ITEMS * 3, "prototypes"]);
  assert.match(model.hash, /^[0-9a-f]{64}$/);
});

test("one byte changed anywhere is found, in the head by the signature and in a part by its hash", async () => {
  // In each entry's content; between them stand only heads of entries and zeros.
  const at = (text: string): number => bytes.indexOf(text);
  const flip = (offset: number) => (changed: Buffer) => {
    changed[offset]! ^= 1;
    return changed;
  };
  await refused(
    taken(flip(at('"version":"1"') + 12)),
    "RECIPE_SIGNATURE",
    /was changed after the key [0-9a-f]{16} signed/,
  );
  const other = (whole: Buffer) => {
    const offset = at('"signature":"') + 20;
    whole[offset] = whole[offset] === 65 ? 66 : 65;
    return whole;
  };
  await refused(taken(other), "RECIPE_SIGNATURE", /was changed after/);
  await refused(taken(flip(at("GRDLGAL1") + 300)), "RECIPE", /gallery\/gallery\.bin was changed: found sha256/);
  await refused(taken(flip(at("IDAT") + 9)), "RECIPE", /gallery\/crops\/.*was changed/);
  // Within heads, contents and what lies between them.
  for (let offset = 0; offset < bytes.length; offset += offset < 4096 ? 37 : 1021) {
    await assert.rejects(
      taken(flip(offset)),
      (error: GradelineError) => error.code.startsWith("RECIPE"),
      `at ${offset}`,
    );
  }
  assert.ok(!(await readdir(own)).includes("out"), "nothing is left");
});

test("a file that was cut at any place, or has more at its end, is refused as such", async () => {
  for (const share of [0, 0.001, 0.2, 0.5, 0.9, 0.9999]) {
    const length = Math.floor(bytes.length * share);
    await refused(
      taken((whole) => whole.subarray(0, length)),
      "RECIPE",
      /is not a whole recipe: it (ends after|has) /,
    );
  }
  await refused(
    taken((whole) => Buffer.concat([whole, Buffer.alloc(1024)])),
    "RECIPE",
    /it was cut or added to/,
  );
  await truncate(join(own, "changed.recipe"), bytes.length - 512);
  await refused(takenFrom(join(own, "changed.recipe")), "RECIPE", /it was cut or added to/);
});

test("a signature by nobody trusted is refused with the key's name, and none trusted with how to trust it", async () => {
  const other = await madeKey(own, "other.key");
  const error = await refused(
    taken((same) => same, [other.publicKey]),
    "RECIPE_SIGNATURE",
    /not among the trusted ones/,
  );
  assert.match(error.hint!, new RegExp(`recipes.trust.*${key.publicKey}`));
  await refused(
    taken((same) => same, []),
    "RECIPE_SIGNATURE",
    /\(none is\)/,
  );
  // A key that is trusted, named by another's signature.
  const swapped = (whole: Buffer): Buffer =>
    Buffer.from(whole.toString("latin1").replace(key.publicKey, other.publicKey), "latin1");
  await refused(taken(swapped, [other.publicKey]), "RECIPE_SIGNATURE", /was changed after/);
});

test("what is no recipe is refused: another file, a folder, nothing, an endless one", async () => {
  await refused(takenFrom("models/embedder.onnx"), "RECIPE", /is not a tar archive/);
  await refused(
    taken(() => Buffer.alloc(0)),
    "RECIPE",
    /ends after 0 bytes/,
  );
  await refused(
    taken(() => Buffer.alloc(4096)),
    "RECIPE",
    /found its end, wanted manifest\.json|something follows/,
  );
  await refused(takenFrom(folder), "RECIPE", /it is no file/);
  await refused(takenFrom("/dev/zero"), "RECIPE", /it is no file/);
  await assert.rejects(takenFrom(join(own, "absent")), { code: "FILE", message: /ENOENT/ });
  const large = join(own, "large.recipe");
  await writeFile(large, bytes);
  await truncate(large, 3 * 1024 ** 3);
  await refused(takenFrom(large), "RECIPE", /it has 3221225472 bytes, at most 2147483648 are read/);
});

test("an archive of tar itself with another path, a link or a long name is refused before anything is written", async () => {
  const inside = join(own, "inside");
  await mkdir(inside);
  await writeFile(join(inside, "evil"), "x");
  await symlink("/etc/passwd", join(inside, "link"));
  const tricks: [string[], RegExp][] = [
    [["-P", "--transform=s,.*,../evil,", "evil"], /"\.\.\/evil" in it is not a path of ours/],
    [["-P", "--transform=s,.*,/etc/evil,", "evil"], /"\/etc\/evil" in it is not a path of ours/],
    [["-P", "--transform=s,.*,a/../../evil,", "evil"], /is not a path of ours/],
    [["link"], /is a link or no file/],
    [["--format=gnu", `--transform=s,.*,${"a".repeat(150)},`, "evil"], /./],
    [["--format=pax", "--pax-option=comment=x", "evil"], /./],
    [["evil"], /the head of "evil" in it is not as it was written/],
  ];
  for (const [args, message] of tricks) {
    const path = join(own, "tricky.recipe");
    const { status } = spawnSync("tar", ["--format=ustar", "-cf", path, "-C", inside, ...args]);
    assert.equal(status, 0, args.join(" "));
    await refused(takenFrom(path), "RECIPE", message);
  }
});

test("a signed manifest that names a path of its own, a part twice, or none that is needed is refused", async () => {
  const parts = made.manifest.parts;
  const changes: [(manifest: Manifest) => Manifest, RegExp][] = [
    [
      (m) => ({ ...m, parts: [...parts.slice(0, -1), { ...parts.at(-1)!, path: "model/../x" }] }),
      /a path of ours|INTERNAL/,
    ],
    [(m) => ({ ...m, parts: parts.filter(({ path }) => path !== "gallery/gallery.bin") }), /it has no gallery/],
    [(m) => ({ ...m, parts: parts.filter(({ path }) => path !== "model/tiny.json") }), /no description of the model/],
    [(m) => ({ ...m, parts: [...parts, parts.at(-1)!] }), /a path is there twice/],
    [(m) => ({ ...m, name: "../x" }), /name: 1 to 32 letters/],
    [(m) => ({ ...m, v: 2 as 1 }), /is of version 2, this gradeline reads 1/],
    [(m) => ({ ...m, extra: 1 }) as Manifest, /does not fit/],
  ];
  for (const [change, message] of changes) {
    const path = await signedAnew(change).catch((error: GradelineError) => error);
    await rm(join(own, "parts"), { recursive: true });
    // What cannot even be written.
    if (path instanceof Error) assert.match(path.message, /cannot be an entry/);
    else await refused(takenFrom(path), "RECIPE", message);
  }
});

test("a part that another key holder filled otherwise than the manifest says is refused while it is written", async () => {
  const parts = await partsOf(made.file);
  const onnx = parts.get("model/tiny.onnx")!;
  await rm(join(own, "parts"), { recursive: true });
  await assert.rejects(
    signedAnew(
      (manifest) => manifest,
      (path, content) => (path === "model/tiny.onnx" ? onnx.subarray(1) : content),
    ),
    { code: "RECIPE", message: /model\/tiny\.onnx changed while it was read: found \d+ bytes/ },
  );
});

/** A file that holds only these bytes as its manifest, and their signature. */
async function signedManifest(name: string, manifest: Buffer): Promise<string> {
  const signer = await Signer.read(key.path);
  const signature = Buffer.from(signer.sign(manifest)).toString("base64url");
  const path = join(own, name);
  const signed = Buffer.from(JSON.stringify({ v: 1, key: signer.publicKey, signature }));
  const entries = [
    ["manifest.json", manifest],
    ["manifest.sig", signed],
  ] as const;
  const pieces = entries.flatMap(([name, content]) => [
    entryHeader({ path: name, bytes: content.length }),
    content,
    entryPadding(content.length),
  ]);
  await writeFile(path, Buffer.concat(pieces));
  return path;
}

test("a manifest in another form than its one is refused: each recipe has one hash", async () => {
  const loose = Buffer.from(` ${Buffer.from(encodeManifest(made.manifest)).toString()}`);
  await refused(takenFrom(await signedManifest("loose.recipe", loose)), "RECIPE", /not in canonical form/);
});

test("a signed manifest of fifteen megabytes that is only brackets, keys or text is refused in under a second", async () => {
  const bytes = 15_000_000;
  const nested = (open: string, close: string, inner = "") => {
    const count = Math.floor(bytes / (open.length + close.length));
    return open.repeat(count) + inner + close.repeat(count);
  };
  const text = Buffer.from(encodeManifest(made.manifest)).toString();
  for (const [manifest, message] of [
    [nested("[", "]"), /too deeply/],
    [nested('{"a":', "}", "1"), /too deeply/],
    [text.replace('"parts":[', `"parts":[${nested("[", "]")},`), /too deeply/],
    [`{${Array.from({ length: 1.2e6 }, (_, i) => `"k${i}":0`).join(",")}}`, /more than one can/],
    [`{"parts":[${"1,".repeat(bytes / 2)}1]}`, /more than one can/],
    [text.replace('"name":"', `"name":"${'[\\"'.repeat(bytes / 4)}`), /does not fit: .*Too big/],
  ] as const) {
    const path = await signedManifest("large.recipe", Buffer.from(manifest));
    const before = process.cpuUsage();
    await refused(takenFrom(path), "RECIPE", message);
    // Of the processor: a busy machine makes nothing slower that way.
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 1e6, `${message}: ${(user + system) / 1e6} s`);
  }
});

test("a private key that others may read, of another kind, or none is refused, and nothing of it is told", async () => {
  const readable = await madeKey(own, "readable.key");
  await chmod(readable.path, 0o640);
  await assert.rejects(Signer.read(readable.path), {
    code: "FILE",
    message: /mode 640\), wanted 600/,
    hint: /chmod 600/,
  });
  const secret = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n";
  await writeFile(join(own, "bad.key"), secret, { mode: 0o600 });
  await assert.rejects(Signer.read(join(own, "bad.key")), (error: GradelineError) => {
    assert.equal(error.code, "FILE");
    assert.ok(!`${error.message}${error.hint}${String(error.cause)}`.includes("hush"));
    return true;
  });
  const rsa = spawnSync("openssl", ["genpkey", "-algorithm", "X25519", "-out", join(own, "x.key")]);
  if (rsa.error === undefined) {
    await chmod(join(own, "x.key"), 0o600);
    await assert.rejects(Signer.read(join(own, "x.key")), { message: /of kind x25519, wanted ed25519/ });
  }
  await assert.rejects(Signer.read(join(own, "absent")), { code: "FILE", hint: /release key/ });
});

test("openssl makes a key that signs, and checks a signature of ours", async (context) => {
  const path = join(own, "openssl.key");
  if (spawnSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", path]).error !== undefined) {
    context.skip("needs the package openssl");
    return;
  }
  await chmod(path, 0o600);
  const signer = await Signer.read(path);
  const manifest = new TextEncoder().encode("something");
  await writeFile(join(own, "signed"), Buffer.concat([Buffer.from("gradeline recipe 1\n"), manifest]));
  await writeFile(join(own, "signature"), signer.sign(manifest));
  const check = [
    "pkeyutl",
    "-verify",
    "-rawin",
    "-inkey",
    path,
    "-in",
    join(own, "signed"),
    "-sigfile",
    join(own, "signature"),
  ];
  assert.match(spawnSync("openssl", check, { encoding: "utf8" }).stdout, /Verified Successfully/);
});
