import assert from "node:assert/strict";
import { test } from "node:test";
import type { GradelineError } from "../../../device/base/errors.ts";
import { sha256 } from "../../../device/base/files.ts";
import { decodeGallery, encodeGallery } from "../../../device/gallery/file.ts";
import { galleryOf, MADE_MODEL, madeGallery, randomReference } from "../../support/gallery-made.ts";

function bytesOf(gallery = madeGallery(), name = "made"): Uint8Array {
  return Buffer.concat(encodeGallery(gallery, name));
}

function refusal(bytes: Uint8Array): GradelineError {
  try {
    decodeGallery(bytes, "gallery.bin");
  } catch (error) {
    return error as GradelineError;
  }
  assert.fail("it was read");
}

/** A file with another header, and a hash that fits it: what nobody writes by accident. */
function forged(change: (header: Record<string, unknown>) => unknown, embeddings?: Uint8Array): Uint8Array {
  const bytes = bytesOf();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = 12 + view.getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, end)));
  const changed = change(header) ?? header;
  const text = typeof changed === "string" ? changed : JSON.stringify(changed);
  return sealed(Buffer.from(text), embeddings ?? bytes.subarray(end, -32));
}

function sealed(header: Uint8Array, embeddings: Uint8Array, length = header.length): Uint8Array {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(length);
  const body = Buffer.concat([Buffer.from("GRDLGAL1"), number, header, embeddings]);
  return Buffer.concat([body, Buffer.from(sha256(body), "hex")]);
}

test("a gallery is read as it was written, to the bit", () => {
  const gallery = madeGallery(3, 10);
  const file = decodeGallery(bytesOf(gallery, "made by ü"), "gallery.bin");
  assert.deepEqual(file.gallery, gallery);
  assert.equal(file.modelName, "made by ü");
});

test("what the model emphasises is kept with it, and held against the length of its embeddings", () => {
  const { dimension } = MADE_MODEL;
  const emphasis = [{ from: 0, to: dimension / 2, factor: 1.5 }];
  const gallery = { ...madeGallery(3, 10), emphasis };
  assert.deepEqual(decodeGallery(bytesOf(gallery), "gallery.bin").gallery, gallery);
  for (const [from, to] of [
    [0, dimension + 1],
    [2, 2],
  ] as const) {
    const refused = refusal(forged((header) => void Object.assign(header, { emphasis: [{ from, to, factor: 1 }] })));
    assert.match(refused.message, /emphasis.*is not within the embedding/);
  }
});

test("its hash names what it says: the same for the same content, another for another", () => {
  assert.equal(decodeGallery(bytesOf(madeGallery(1)), "a").hash, decodeGallery(bytesOf(madeGallery(1)), "b").hash);
  assert.notEqual(decodeGallery(bytesOf(madeGallery(1)), "a").hash, decodeGallery(bytesOf(madeGallery(2)), "a").hash);
});

test("an empty gallery is a gallery", () => {
  const gallery = galleryOf([]);
  assert.deepEqual(decodeGallery(bytesOf(gallery), "gallery.bin").gallery, gallery);
});

test("grades whose references are gone keep their place", () => {
  const gallery = { ...madeGallery(), grades: ["extra", "sound", "second", "reject"] };
  assert.deepEqual(decodeGallery(bytesOf(gallery), "gallery.bin").gallery.grades, gallery.grades);
});

test("a gallery cut at every twentieth of its length is refused with the reason", () => {
  const bytes = bytesOf(madeGallery(0, 30));
  for (let part = 0; part < 20; part++) {
    const length = Math.floor((bytes.length * part) / 20);
    const { code, message, hint } = refusal(bytes.subarray(0, length));
    assert.equal(code, "GALLERY");
    assert.match(message, new RegExp(`gallery\\.bin is not a whole gallery: .*${length} bytes`));
    assert.match(hint ?? "", /backup/);
  }
  assert.equal(refusal(bytes.subarray(0, -1)).code, "GALLERY");
  assert.equal(refusal(bytes.subarray(1)).code, "GALLERY");
});

test("a gallery with one bit changed anywhere is refused", () => {
  const bytes = bytesOf();
  for (let at = 0; at < bytes.length; at += 13) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << (at % 8);
    assert.equal(refusal(changed).code, "GALLERY", `byte ${at}`);
  }
});

test("a file of another kind is refused as such", () => {
  const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(100)]);
  assert.match(refusal(png).message, /begins with something else/);
});

const ids: readonly string[] = [
  "../../etc/passwd",
  "/tmp/x",
  "a/b",
  "..",
  ".",
  "",
  "a\0b",
  "x".repeat(65),
  "a b",
  "a\n",
];
for (const id of ids) {
  test(`an id that could lead out of the folder is refused: ${JSON.stringify(id.slice(0, 20))}`, () => {
    const bytes = forged((header) => {
      (header.references as { id: string }[])[1]!.id = id;
    });
    const { code, message } = refusal(bytes);
    assert.equal(code, "GALLERY");
    assert.match(message, /references\.1\.id/);
  });
}

const headers: readonly [string, (header: Record<string, unknown>) => unknown, RegExp][] = [
  ["that is no JSON", () => "{", /header does not fit/],
  ["that is a list", () => [], /header does not fit/],
  ["with a grade that is a path", (h) => Object.assign(h, { grades: ["../x"] }), /grades\.0/],
  ["with a grade named twice", (h) => Object.assign(h, { grades: ["sound", "second", "reject", "sound"] }), /twice/],
  [
    "without the grade of a reference",
    (h) => Object.assign(h, { grades: ["sound", "second"] }),
    /not among the grades/,
  ],
  ["with an unknown key", (h) => Object.assign(h, { rows: 7 }), /rows/],
  ["with another dimension", (h) => Object.assign(h, { dimension: 7 }), /embeddings are missing/],
  ["with no dimension", (h) => Object.assign(h, { dimension: 0 }), /dimension/],
  [
    "with an id that is there twice",
    (h) => {
      const references = h.references as { id: string }[];
      references[1]!.id = references[0]!.id;
    },
    /references\.1\.id: is there twice/,
  ],
  [
    "with an item without views",
    (h) => {
      (h.references as { views: number }[])[0]!.views = 0;
    },
    /references\.0\.views/,
  ],
];
for (const [what, change, reason] of headers) {
  test(`a header ${what} is refused, although its hash fits`, () => {
    const { code, message } = refusal(forged(change));
    assert.equal(code, "GALLERY");
    assert.match(message, reason);
  });
}

test("embeddings that are too many or too few are refused, although the hash fits", () => {
  assert.match(refusal(forged((header) => header, new Uint8Array(4))).message, /embeddings are missing/);
  assert.match(refusal(forged((header) => header, new Uint8Array(1e5))).message, /embeddings are missing/);
});

test("a header that says to be longer than the file is refused", () => {
  for (const length of [1e6, 0xffffffff]) {
    assert.equal(refusal(sealed(Buffer.from("{}"), new Uint8Array(0), length)).code, "GALLERY");
  }
});

test("what could not be read again is not written", () => {
  const reference = randomReference(1, "sound");
  const refused: [Partial<typeof reference>, RegExp][] = [
    [{ origin: "x".repeat(5000) }, /references\.0\.origin/],
    [{ id: "../x" }, /references\.0\.id/],
    [{ grade: "unknown" }, /grade/],
  ];
  for (const [change, reason] of refused) {
    assert.throws(
      () => encodeGallery(galleryOf([{ ...reference, ...change }]), "made"),
      (error: GradelineError) => error.code === "GALLERY" && reason.test(error.message),
    );
  }
  const grades = Array.from({ length: 65 }, (_, grade) => `grade ${grade}`);
  assert.throws(() => encodeGallery({ ...galleryOf([]), grades }, "made"), { code: "GALLERY" });
});

test("embeddings are little-endian numbers behind the header, in the order of the references", () => {
  const references = [randomReference(1, "sound", 1), randomReference(2, "sound", 2)];
  const bytes = bytesOf(galleryOf(references));
  const start = bytes.length - 32 - 3 * MADE_MODEL.dimension * 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const written = [...references[0]!.embeddings, ...references[1]!.embeddings];
  assert.deepEqual(
    written.map((_, index) => view.getFloat32(index * 4, true)),
    written,
  );
});

test("a reference that does not say of each view which camera saw it is refused", () => {
  for (const said of [
    { cameras: ["top", "left"] },
    { cameras: ["top"], from: [0, 0] },
    { cameras: ["top", "left"], from: [2] },
    { from: [0] },
  ]) {
    const bytes = forged(({ references }) => void Object.assign((references as object[])[0]!, said));
    assert.match(refusal(bytes).message, /which camera saw each view/);
  }
});
