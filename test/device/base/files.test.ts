import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { removeTemporary, setAside, sha256, unwritable, writeAtomic } from "../../../device/base/files.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the hash is SHA-256 as hex", () => {
  // FIPS 180-2, appendix B.1.
  assert.equal(sha256(bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("parts are written one after the other, in place of what was there, and nothing else is left", async () => {
  const path = join(folder, "file");
  await writeAtomic(path, [bytes("a longer old content")]);
  await writeAtomic(path, [bytes("new"), bytes(""), bytes(" content")]);
  assert.equal(await readFile(path, "utf8"), "new content");
  assert.deepEqual(await readdir(folder), ["file"]);
});

test("what a killed writer of these files left is removed, and nothing else", async () => {
  const left = [
    "one.json.0123456789ab.tmp",
    "two.json.ba9876543210.tmp",
    "one.json",
    "one.json.tmp",
    "one.0123456789ab",
  ];
  for (const name of left) await writeFile(join(folder, name), "x");
  await removeTemporary(folder, (name) => name === "one.json");
  assert.deepEqual((await readdir(folder)).sort(), left.slice(1).sort());
  await removeTemporary(join(folder, "absent"), () => true);
});

test("a damaged file is set aside whole; the newest two of its name are kept", async () => {
  const path = join(folder, "file");
  const names: string[] = [];
  for (const content of ["1", "2", "3"]) {
    await writeFile(path, content);
    names.push(await setAside(path));
  }
  assert.equal(await readFile(names[2]!, "utf8"), "3");
  assert.equal((await readdir(folder)).length, 2);
  await assert.rejects(setAside(path), { code: "ENOENT" });
});

test("what is written is not for everybody to read", async () => {
  const path = join(folder, "file");
  await writeAtomic(path, [bytes("x")]);
  assert.equal((await stat(path)).mode & 0o007, 0);
});

test("writers at the same time leave the whole content of one of them", async () => {
  const path = join(folder, "file");
  const contents = Array.from({ length: 8 }, (_, writer) => String(writer).repeat(100_000));
  await Promise.all(contents.map((content) => writeAtomic(path, [bytes(content)])));
  assert.ok(contents.includes(await readFile(path, "utf8")));
  assert.deepEqual(await readdir(folder), ["file"]);
});

test("a reader meanwhile finds the old content or the new, never a part", async () => {
  const path = join(folder, "file");
  await writeFile(path, "0".repeat(100_000));
  let writing = true;
  const writer = (async () => {
    for (let n = 1; n <= 30; n++) await writeAtomic(path, [bytes(String(n % 10).repeat(100_000))]);
    writing = false;
  })();
  let reads = 0;
  for (; writing; reads++) {
    const found = await readFile(path, "utf8");
    assert.equal(found, found[0]!.repeat(100_000));
  }
  await writer;
  assert.ok(reads > 0);
});

test("a file that cannot be written is an error that says so, and leaves nothing behind", async () => {
  await assert.rejects(writeAtomic(join(folder, "absent", "file"), [bytes("x")]), {
    code: "FILE",
    message: /absent\/file cannot be written.*ENOENT/,
    retry: false,
  });
  // The rename is what fails here: the temporary file is there already.
  await mkdir(join(folder, "taken", "by"), { recursive: true });
  await assert.rejects(writeAtomic(join(folder, "taken"), [bytes("x")]), { code: "FILE" });
  assert.deepEqual(await readdir(folder), ["taken"]);
});

test("a full disk is worth another try", () => {
  const error = unwritable("/data/file", Object.assign(new Error("no space left"), { code: "ENOSPC" }));
  assert.deepEqual([error.code, error.retry], ["FILE", true]);
  assert.match(error.hint ?? "", /make room/);
});
