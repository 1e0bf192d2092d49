import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { GradelineError } from "../../../device/base/errors.ts";
import { configJsonSchema } from "../../../device/config/allowed.ts";
import { loadConfig, parseConfig, readSecret } from "../../../device/config/file.ts";

const EXAMPLE = "systemd/gradeline.example.yaml";

const SMALLEST = `
device: board
gallery: g
cameras:
  - {id: c1, source: {kind: line}}
lanes:
  - {id: a, camera: c1, mmPerPx: 0.5, gateMm: 300, conveyor: {kind: belt, speedMmPerS: 800}}
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-config-"));
});
after(() => rm(folder, { recursive: true }));

function errorOf(text: string): GradelineError {
  try {
    parseConfig(text, "board.yaml");
  } catch (error) {
    assert.ok(error instanceof GradelineError);
    assert.equal(error.code, "CONFIG");
    return error;
  }
  return assert.fail("the text was accepted");
}

test("the smallest configuration has every default filled in", () => {
  const config = parseConfig(SMALLEST, "board.yaml");
  assert.equal(config.mqtt.url, "mqtt://127.0.0.1:1883");
  assert.equal(config.mqtt.window, 20);
  assert.equal(config.journal.maxRows, 1_000_000);
  assert.equal(config.lanes[0]?.direction, "right");
});

test("an unknown key is refused with its line, its path and the keys that are allowed there", () => {
  const { message } = errorOf(`${SMALLEST}mqtt:\n  windwo: 3\n`);
  assert.match(message, /board\.yaml, line 9: unknown key `mqtt\.windwo`, allowed here: url, urls, protocol, .*window/);
});

test("an unknown key below one kind of source names the keys of that kind", () => {
  const { message } = errorOf(SMALLEST.replace("{kind: line}", "{kind: replay, path: p, sped: 1}"));
  assert.match(
    message,
    /unknown key `cameras\[0\]\.source\.sped`, allowed here: kind, path, fps, pace, loop, startAt, inStepWith$/,
  );
});

test("a key given twice is refused with its line", () => {
  assert.match(errorOf(`${SMALLEST}device: other\n`).message, /line 8: the key `device` is given twice/);
});

test("a value out of range tells what was found and what is allowed", () => {
  const { message } = errorOf(SMALLEST.replace("mmPerPx: 0.5", "mmPerPx: fast"));
  assert.match(message, /line 7: `lanes\[0\]\.mmPerPx`: found "fast", allowed: a number above 0 up to 10/);
});

test("several errors are listed at once, in the order of their lines", () => {
  const { message } = errorOf(`foo: 1${SMALLEST}mqtt: {window: 0}\nlog: {level: loud}\n`);
  const lines = [...message.matchAll(/line (\d+):/g)].map((match) => Number(match[1]));
  assert.deepEqual(lines, [1, 8, 9]);
  assert.match(message, /`log\.level`: found "loud", allowed: trace, debug, info, warn, error, silent/);
});

test("an empty file names every key that must be there", () => {
  const { message } = errorOf("");
  for (const key of ["device", "cameras", "lanes"]) assert.match(message, new RegExp(`\`${key}\` is missing`));
});

test("a section without content is told apart from a section that is left out", () => {
  assert.match(errorOf(`${SMALLEST}journal:\n`).message, /`journal`: found nothing/);
});

test("a lane that looks at no camera of the file is refused", () => {
  const { message } = errorOf(SMALLEST.replace("camera: c1", "camera: c9"));
  assert.match(message, /line 7: `lanes\[0\]\.camera`: found c9, allowed: a camera of this file \(c1\)/);
});

test("two cameras or two lanes of one name are refused", () => {
  const twice = SMALLEST.replace("lanes:", "  - {id: c1, source: {kind: line}}\nlanes:");
  assert.match(errorOf(twice).message, /`cameras\[1\]\.id`: found c1 a second time/);
});

test("certificates without TLS, half a key pair, a lone password and a login in the url are refused", () => {
  const { message } = errorOf(`${SMALLEST}mqtt: {url: "mqtt://me:secret@host", cert: c.pem, password: {env: P}}\n`);
  assert.match(message, /`mqtt\.cert`: needs a url that begins with mqtts/);
  assert.match(message, /`cert` and `key` need each other/);
  assert.match(message, /`mqtt\.password`: needs `username`/);
  assert.match(message, /`mqtt\.url`: a login does not belong here/);
  assert.doesNotMatch(message, /secret/);
});

test("further brokers have a name each and a topic without wildcards; every url of a list is looked at", () => {
  const brokers = (list: string): string => errorOf(`${SMALLEST}brokers: [${list}]\n`).message;
  assert.match(brokers("{name: cloud}"), /`brokers\[0\]\.url` is missing/);
  const cloud = 'name: cloud, url: "mqtt://host"';
  assert.match(brokers(`{${cloud}}, {${cloud}}`), /`brokers\[1\]\.name`: found cloud a second time/);
  assert.match(brokers('{name: broker, url: "mqtt://host"}'), /the journal has this one already/);
  for (const topic of ["a/#", "+/a", "$SYS/a", ""]) assert.match(brokers(`{${cloud}, topic: "${topic}"}`), /topic/);
  assert.match(brokers(`{${cloud}, topic: "a/{line}"}`), /knows \{device\} and \{lane\}/);
  assert.match(brokers(`{${cloud}, cert: c.pem}`), /`brokers\[0\]\.cert`: needs a url.*`cert` and `key`/s);
  const { message } = errorOf(`${SMALLEST}mqtt: {urls: ["mqtt://one", "mqtt://me:secret@two"]}\n`);
  assert.match(message, /`mqtt\.urls\[1\]`: a login does not belong here/);
});

test("text that is not YAML, an unknown tag and an endless alias are refused", () => {
  assert.match(errorOf("a: [1,\n").message, /line \d/);
  assert.match(errorOf(`${SMALLEST}model: !!python/object x\n`).message, /[Tt]ag/);
  const bomb = ["a: &a [1,1,1,1,1,1,1,1,1]"];
  for (const [from, to] of ["ab", "bc", "cd", "de"].map((pair) => [...pair])) {
    bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(",")}]`);
  }
  assert.match(errorOf(bomb.join("\n")).message, /alias/i);
});

test("a file that is missing, a folder, too large or not text is refused by name", async () => {
  const missing = join(folder, "no.yaml");
  await assert.rejects(loadConfig(missing), { code: "CONFIG", message: `${missing} does not exist` });
  await assert.rejects(loadConfig(folder), { code: "CONFIG", message: `${folder} cannot be read` });
  const large = join(folder, "large.yaml");
  await writeFile(large, "#".repeat(1024 * 1024 + 1));
  await assert.rejects(loadConfig(large), { code: "CONFIG", message: /1048577 bytes/ });
  const binary = join(folder, "binary.yaml");
  await writeFile(binary, Buffer.from([0x64, 0xff, 0xfe]));
  await assert.rejects(loadConfig(binary), { code: "CONFIG", message: /not UTF-8/ });
});

test("the example is a valid configuration as it stands", async () => {
  assert.equal((await loadConfig(EXAMPLE)).device, "board-1");
});

test("the example with every setting switched on is valid and has every key of the schema", async () => {
  const text = uncommented(await readFile(EXAMPLE, "utf8")).replace("url: mqtt://", "url: mqtts://");
  parseConfig(text, EXAMPLE);
  const given = new Set(pathsOf(parse(text)));
  const missing = schemaPaths(configJsonSchema()).filter((path) => !given.has(path));
  // A secret is given by file, by environment or by systemd; the example shows one of each.
  assert.deepEqual(missing, [
    "cameras[].source.password.env",
    "cameras[].source.password.credential",
    "mqtt.password.file",
    "mqtt.password.env",
    "brokers[].password.file",
    "brokers[].password.env",
    "postgres.password.env",
    "postgres.password.credential",
    "console.token.file",
    "console.token.credential",
  ]);
});

test("the example's settings that are switched off stand at their defaults", async () => {
  const text = await readFile(EXAMPLE, "utf8");
  // Whole cameras and brokers that are switched off: from `#- id` to the empty line.
  const camera = /^ *#- (?:id|name):(?:.*\n)+?\n/gm;
  const free =
    /^ *#(model|varieties|fruit|items|library|engineCache|urls|clientId|username|password|ca|cert|key|token|roi|path|circulate|trust|gradeCodes|shifts|tolerances):.*$/gm;
  // Sections that are switched off whole.
  const section = /^#[a-zA-Z]+:\n(?:.*\n)+?\n/gm;
  const plain = parseConfig(text, EXAMPLE);
  assert.deepEqual(
    parseConfig(uncommented(text.replaceAll(camera, "\n").replaceAll(section, "\n").replaceAll(free, "")), EXAMPLE),
    plain,
  );
});

test("a secret comes from a file without its line break", async () => {
  const file = join(folder, "secret");
  await writeFile(file, "open sesame\n");
  assert.equal(await readSecret({ file }), "open sesame");
});

test("a secret comes from the environment", async () => {
  process.env.GRADELINE_TEST_SECRET = "from here";
  assert.equal(await readSecret({ env: "GRADELINE_TEST_SECRET" }), "from here");
  delete process.env.GRADELINE_TEST_SECRET;
  await assert.rejects(readSecret({ env: "GRADELINE_TEST_SECRET" }), {
    code: "CONFIG",
    message: /GRADELINE_TEST_SECRET/,
  });
});

test("a secret of several lines is refused without being told", async () => {
  const file = join(folder, "two-lines");
  await writeFile(file, "hush\nhush\n");
  await assert.rejects(
    readSecret({ file }),
    (error: Error) => !/hush/.test(error.message) && /one line/.test(error.message),
  );
  await assert.rejects(readSecret({ file: join(folder, "absent") }), { code: "CONFIG", message: /absent/ });
});

/** Removes the `#` of settings (`#key: …`, `#- key: …`); prose has a space after it. */
function uncommented(text: string): string {
  return text.replaceAll(/^( *)#(?=(?:- )?[a-zA-Z]+:)/gm, "$1");
}

function pathsOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => pathsOf(entry, `${path}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = path === "" ? key : `${path}.${key}`;
    return [here, ...pathsOf(inner, here)];
  });
}

interface SchemaNode {
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
  readonly oneOf?: SchemaNode[];
}

function schemaPaths(schema: SchemaNode, path = ""): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const here = path === "" ? key : `${path}.${key}`;
    return [here, ...schemaPaths(inner, here)];
  });
  const listed = schema.items === undefined ? [] : schemaPaths(schema.items, `${path}[]`);
  const either = (schema.oneOf ?? []).flatMap((option) => schemaPaths(option, path));
  return [...new Set([...own, ...listed, ...either])];
}
