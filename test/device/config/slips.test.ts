import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { loadConfig, parseConfig } from "../../../device/config/file.ts";

const PLAIN = `device: board
gallery: g
cameras:
  - id: c1
    source: { kind: line }
lanes:
  - id: a
    camera: c1
    mmPerPx: 0.58
    gateMm: 400
    conveyor: { kind: belt, speedMmPerS: 800 }
console:
  enabled: true
`;

function said(from: string, to: string): string {
  assert.ok(PLAIN.includes(from), from);
  return errorOf(PLAIN.replace(from, to));
}

function errorOf(text: string): string {
  try {
    parseConfig(text, "board.yaml");
  } catch (error) {
    assert.ok(error instanceof GradelineError);
    return error.message;
  }
  return assert.fail(`the text was accepted:\n${text}`);
}

test("a name that YAML takes for a number or for true asks for quotes around what is written", () => {
  for (const written of ["1", "007", "1e3", "0x1F", "0o17", "1.50", "+2", ".inf", ".5", "true", "False"]) {
    const words = new RegExp(`put it in quotes: ${JSON.stringify(written).replaceAll(/[.+]/g, "\\$&")}$`);
    assert.match(said("device: board", `device: ${written}`), words, written);
    assert.match(said("id: a", `id: ${written}`), words, written);
    assert.match(errorOf(`${PLAIN}mqtt: { username: ${written} }\n`), words, written);
  }
  assert.match(errorOf(`${PLAIN}mqtt: { protocol: 5 }\n`), /put it in quotes: "5"/);
  assert.doesNotMatch(errorOf(`${PLAIN}mqtt: { protocol: 4 }\n`), /quotes/);
});

test("a name that YAML takes for a number says what a name may be", () => {
  assert.match(said("id: a", "id: 1"), /letters, digits, - or _/);
});

test("words that YAML 1.2 takes for text are names", () => {
  for (const name of ["no", "on", "y", "NO", "off"]) parseConfig(PLAIN.replace("board", name), "b.yaml");
});

test("yes, no, on, off and quoted words where true or false is wanted are told how to be written", () => {
  for (const [written, meant] of [
    ["yes", true],
    ["No", false],
    ["ON", true],
    ["off", false],
    ['"true"', true],
    ["'False'", false],
  ] as const) {
    assert.match(said("enabled: true", `enabled: ${written}`), new RegExp(`write ${meant}, without quotes`), written);
  }
});

test("a number that is written as people write it is told how YAML wants it", () => {
  for (const [written, meant] of [
    ["0,58", "0.58"],
    ["1.234,5", "1234.5"],
    ["1_000", "1000"],
    ["1 000", "1000"],
    ["0.58 mm", "0.58"],
    ["0.58mm/px", "0.58"],
    ["58%", "0.58"],
    ["58 %", "0.58"],
    ['"0.58"', "0.58"],
    ["−3", "-3"],
    ["0.58#per pixel", "0.58 #per pixel"],
  ]) {
    assert.ok(
      said("0.58", written!).endsWith(`: ${meant}`) || said("0.58", written!).endsWith(` write ${meant}`),
      written,
    );
  }
  const inBraces = said("speedMmPerS: 800", "speedMmPerS: 800,5");
  assert.match(inBraces, /unknown key `lanes\[0\]\.conveyor\.5`.*decimal point/);
});

test("a tab is named, wherever it indents", () => {
  for (const text of [
    PLAIN.replace("    source", "\tsource"),
    PLAIN.replace("    source", "  \tsource"),
    PLAIN.replace("  - id: c1", "\t- id: c1"),
    PLAIN.replace("  enabled", "\tenabled"),
    PLAIN.replaceAll("    ", "\t"),
  ]) {
    assert.match(errorOf(text), /line \d+: a tab/);
  }
  parseConfig(PLAIN.replace("device: board", "device:\tboard\t# a tab between is none of these"), "b.yaml");
});

test("anchors, aliases, merges, tags and reserved characters are named for what they are", () => {
  assert.match(said("board", "*"), /alias.*quotes/);
  assert.match(said("board", "*board"), /\*board is an alias.*no anchor &board.*quotes/);
  assert.match(said("board", "&board"), /`device`: &board is an anchor.*quotes/);
  assert.match(said("board", "!secret board"), /!secret.*tag/);
  assert.match(said("board", "@board"), /cannot begin with `@`.*quotes/);
  assert.match(said("board", "`board`"), /quotes/);
  assert.match(said("board", "%board"), /cannot begin with `%`.*quotes/);
  assert.match(errorOf(`${PLAIN}log: &l { level: info }\ndrift: { <<: *l }\n`), /merge.*write the keys out/);
  const shared = PLAIN.replace("mmPerPx: 0.58", "mmPerPx: &mm 0.58").replace("gateMm: 400", "gateMm: *mm");
  assert.equal(parseConfig(shared, "b.yaml").lanes[0]!.gateMm, 0.58);
});

test("a key given twice, a missing space, a missing dash and a wrong column are named", () => {
  assert.match(said("gallery: g", "gallery: g\ngallery: h"), /line 3: the key `gallery` is given twice/);
  assert.match(said("device: board", "device:board"), /line 1: a space is missing after the colon of `device`/);
  assert.match(said("    camera: c1", "    camera:c1"), /line 8: a space is missing after the colon of `camera`/);
  assert.match(said("kind: line", "kind:line"), /a space is missing after the colon/);
  assert.match(said("  - id: c1\n    source", "    id: c1\n    source"), /`cameras`.*a list: put `- `/);
  assert.match(said("board", "[board]"), /not a list/);
  assert.match(said("    mmPerPx", "   mmPerPx"), /line \d+: .*same column/);
});

test("what an editor or a template leaves in a file is named", () => {
  assert.match(said("board", "“board”"), /typographic quotes/);
  assert.match(said("board", "‘board’"), /typographic quotes/);
  assert.match(said("board", "$BOARD"), /variables are not filled in/);
  assert.match(said("gallery: g", "gallery: g\nmodel: [1]"), /not a list/);
  assert.match(said("board", "{{ board }}"), /template/);
  assert.match(said("    gateMm", "\u00a0\u00a0\u00a0\u00a0gateMm"), /space that cannot be told|same column|colon/);
  assert.match(errorOf(`${PLAIN}---\ndevice: b\n`), /one document/);
  assert.match(said("gallery: g", 'gallery: "C:\\data\\Users"'), /single quotes/);
});

test("an unknown key says which one is meant, or where it belongs", () => {
  assert.match(said("mmPerPx", "mmPerPX"), /did you mean `mmPerPx`\?/);
  assert.match(said("mmPerPx", "mm_per_px"), /did you mean `mmPerPx`\?/);
  assert.match(said("mmPerPx", "mmPrePx"), /did you mean `mmPerPx`\?/);
  assert.match(said("device:", "Device:"), /did you mean `device`\?/);
  assert.match(errorOf(`${PLAIN}baselineItems: 50\n`), /it belongs in `drift\.baselineItems`/);
  assert.match(said("kind: line", "kind: usb"), /it is a preset: kind: gst, preset: usb$/);
  assert.match(said("kind: belt", "kind: Belt"), /did you mean belt\?/);
});

test("the value of a setting that takes a word or a number names both", () => {
  const camera = "{ kind: gige, packetSize: automatic }";
  assert.match(
    said("{ kind: line }", camera),
    /packetSize`: found "automatic", allowed: auto, or a whole number from 576/,
  );
});

test("encodings that are read are read, and the others are named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-slips-"));
  const path = join(folder, "g.yaml");
  const load = async (bytes: Uint8Array | string) => {
    await writeFile(path, bytes);
    return loadConfig(path);
  };
  try {
    const accented = PLAIN.replace("gallery: g", "gallery: gäl");
    for (const text of [`\ufeff${accented}`, accented.replaceAll("\n", "\r\n"), accented.replaceAll("\n", "\r")]) {
      assert.equal((await load(text)).gallery, "gäl");
    }
    const swapped = Buffer.from(`\ufeff${PLAIN}`, "utf16le").swap16();
    for (const bytes of [Buffer.from(`\ufeff${PLAIN}`, "utf16le"), swapped, Buffer.from(PLAIN, "utf16le")]) {
      await assert.rejects(load(bytes), { code: "CONFIG", message: /UTF-16.*save it as UTF-8/ });
    }
    await assert.rejects(load(Buffer.from(accented, "latin1")), {
      code: "CONFIG",
      message: /not UTF-8 text: line 2 holds the byte 0xe4.*save it as UTF-8/,
    });
    await assert.rejects(load(Buffer.concat([Buffer.from(PLAIN), Buffer.alloc(64)])), { message: /damaged/ });
  } finally {
    await rm(folder, { recursive: true });
  }
});
