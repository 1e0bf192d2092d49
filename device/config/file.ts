import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type { z } from "zod";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import { serviceFolder } from "../base/service.ts";
import { allowedAt, allowedKeysAt, allowedValuesAt, placesOfKey } from "./allowed.ts";
import { checkLaneCameras } from "./lane-cameras.ts";
import { brokerUrls, type MqttConfig } from "./mqtt.ts";
import { outputFaults } from "./outputs.ts";
import { productFaults } from "./products.ts";
import { type Config, configSchema, type SecretConfig } from "./schema.ts";
import { checkTriggers } from "./triggers.ts";
import { keySlip, missingSlip, valueSlip } from "./value-slips.ts";
import { aliasProblem, encodingProblem, withLineEnds, yamlProblem } from "./yaml-slips.ts";

/** A configuration is a page of text; more than this is another file. */
const MAX_BYTES = 1024 * 1024;
const MAX_SECRET_BYTES = 64 * 1024;

type Path = readonly (string | number)[];

interface Problem {
  readonly line: number | undefined;
  readonly text: string;
}

/**
 * Reads and checks a configuration file.
 *
 * @param path YAML 1.2, at most 1 MiB
 * @returns the configuration with all defaults filled in
 * @throws {GradelineError} CONFIG that lists every problem with its line, its key, what was found and what is allowed
 */
export async function loadConfig(path: string): Promise<Config> {
  return parseConfig(await readText(path), path);
}

/** {@link loadConfig} for a text; `name` stands for the file in errors. */
export function parseConfig(text: string, name: string): Config {
  const yaml = withLineEnds(text);
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const broken = [...document.errors, ...document.warnings].map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    text: yamlProblem(error, yaml),
  }));
  if (broken.length > 0) throw configError(name, oncePerLine(broken));

  const value = plainValue(document, name);
  const parsed = configSchema.safeParse(value ?? {});
  if (!parsed.success) {
    throw configError(
      name,
      parsed.error.issues.flatMap((issue) => problemsOf(issue, document, lines, value)),
    );
  }
  const contradictions = crossCheck(parsed.data).map(({ path: at, text: what }) => ({
    line: lineOf(document, lines, at),
    text: `\`${format(at)}\`: ${what}`,
  }));
  if (contradictions.length > 0) throw configError(name, contradictions);
  return parsed.data;
}

/**
 * Reads a secret from the place that the configuration names. A line break at the end is no part of it.
 *
 * @throws {GradelineError} CONFIG when the file or variable is not there or holds nothing; the secret itself is never
 *   part of a message
 */
export async function readSecret(secret: SecretConfig): Promise<string> {
  const file = secretFile(secret);
  const place = file === undefined ? `environment variable ${secret.env}` : `file ${file}`;
  let text: string | undefined;
  try {
    text = file === undefined ? process.env[secret.env!] : await readFile(file, "utf8");
  } catch (error) {
    throw new GradelineError("CONFIG", `the secret cannot be read from ${place}`, {
      hint:
        secret.credential === undefined
          ? "check that it is there and that the daemon's user may read it"
          : `systemctl edit gradeline, [Service], LoadCredential=${secret.credential}:/etc/gradeline/${secret.credential}; then systemctl restart gradeline`,
      cause: error,
    });
  }
  const value = text?.replace(/\r?\n$/, "") ?? "";
  if (value === "" || value.length > MAX_SECRET_BYTES || /[\r\n\0]/.test(value)) {
    throw new GradelineError("CONFIG", `${place} does not hold a secret: it is not set, empty, or more than one line`);
  }
  return value;
}

/** The file in which a secret lies; undefined for one in the environment. */
export function secretFile({ file, credential }: SecretConfig): string | undefined {
  return credential === undefined ? file : join(serviceFolder("CREDENTIALS_DIRECTORY"), credential);
}

function plainValue(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // An alias without its anchor, or aliases of aliases that would fill the memory.
    const { message } = asGradelineError(error);
    throw configError(name, [{ line: undefined, text: aliasProblem(message) ?? message }]);
  }
}

function problemsOf(issue: z.core.$ZodIssue, document: Document, lines: LineCounter, value: unknown): Problem[] {
  const at = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const allowed = allowedKeysAt(at, value);
    return issue.keys.map((key) => {
      const slip = keySlip(key, allowed, placesOfKey(key));
      const text = `unknown key \`${format([...at, key])}\`, allowed here: ${allowed.join(", ")}`;
      return { line: lineOf(document, lines, [...at, key]), text: joined(text, slip) };
    });
  }
  // The schema's own words where it has some: a pattern is no help to people.
  const words = issue.code === "custom" || issue.code === "invalid_format" ? issue.message : undefined;
  const node = at.length === 0 ? document.contents : document.getIn(at, true);
  const source = isScalar(node) ? node.source : undefined;
  const found = valueAt(value, at);
  const slip =
    found === undefined
      ? missingSlip(String(at.at(-1)), valueAt(value, at.slice(0, -1)))
      : valueSlip({ value: found, source }, allowedValuesAt(at, value));
  const anchored = found === null && isNode(node) && "anchor" in node && node.anchor !== undefined;
  return [
    {
      line: lineOf(document, lines, at),
      text: anchored
        ? `\`${format(at)}\`: &${node.anchor} is an anchor of YAML, not a value; put a text that begins with & in quotes`
        : joined(explain(at, value, words ?? allowedAt(at, value)), slip),
    },
  ];
}

function joined(text: string, more: string | undefined): string {
  return more === undefined ? text : `${text}; ${more}`;
}

/** The reader says several things about one slip; the first is the one to mend. */
function oncePerLine(problems: readonly Problem[]): Problem[] {
  const lines = new Set<number | undefined>();
  return problems.filter(({ line }) => !lines.has(line) && lines.add(line));
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new GradelineError("CONFIG", `${path} ${missing ? "does not exist" : "cannot be read"}`, {
      hint: "a complete example is systemd/gradeline.example.yaml",
      cause: error,
    });
  }
  if (bytes.length > MAX_BYTES) {
    throw new GradelineError("CONFIG", `${path} has ${bytes.length} bytes, a configuration has at most ${MAX_BYTES}`);
  }
  const problem = encodingProblem(bytes);
  if (problem !== undefined) throw new GradelineError("CONFIG", `${path} ${problem}`);
  return new TextDecoder().decode(bytes);
}

function configError(name: string, problems: readonly Problem[]): GradelineError {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const list = sorted.map(({ line, text }) => (line === undefined ? text : `line ${line}: ${text}`));
  const message =
    list.length === 1 ? `${name}, ${list[0]}` : `${name} has ${list.length} errors:\n  ${list.join("\n  ")}`;
  return new GradelineError("CONFIG", message, { hint: "every key is explained in systemd/gradeline.example.yaml" });
}

function explain(at: Path, value: unknown, allowed: string): string {
  const where = at.length === 0 ? "the file" : `\`${format(at)}\``;
  const found = valueAt(value, at);
  if (found === undefined) return `${where} is missing, allowed: ${allowed}`;
  return `${where}: found ${show(found)}, allowed: ${allowed}`;
}

function show(value: unknown): string {
  if (value === null) return "nothing (leave the key out where the default is meant)";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return `the keys ${Object.keys(value).join(", ") || "(none)"}`;
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What no single key can say: references between keys, and what belongs together. */
function crossCheck(config: Config): { path: Path; text: string }[] {
  const found: { path: Path; text: string }[] = [];
  const cameras = config.cameras.map((camera) => camera.id);
  for (const [kind, ids] of [
    ["cameras", cameras],
    ["lanes", config.lanes.map((lane) => lane.id)],
  ] as const) {
    ids.forEach((id, index) => {
      if (ids.indexOf(id) < index) {
        found.push({ path: [kind, index, "id"], text: `found ${id} a second time, each must be its own` });
      }
    });
  }
  found.push(...checkLaneCameras(config), ...checkTriggers(config));
  if (cameras.length > 0 && config.lanes.length === 0) {
    found.push({
      path: ["lanes"],
      text: "found an empty list, wanted a lane for each row of fruit that a camera sees",
    });
  }
  found.push(...productFaults(config.products));
  found.push(...outputFaults(config));
  found.push(...checkConnection(config.mqtt, ["mqtt"]));
  for (const [index, broker] of config.brokers.entries()) {
    found.push(...checkConnection(broker, ["brokers", index]));
    if (config.brokers.findIndex(({ name }) => name === broker.name) < index) {
      found.push({
        path: ["brokers", index, "name"],
        text: `found ${broker.name} a second time, each must be its own`,
      });
    }
  }
  return found;
}

/** Keys of one connection to a broker, `mqtt` or one of `brokers`. */
function checkConnection(mqtt: MqttConfig, path: Path): { path: Path; text: string }[] {
  const found: { path: Path; text: string }[] = [];
  const secure = brokerUrls(mqtt).some((url) => /^(mqtts|tls|wss):/.test(url));
  for (const key of ["ca", "cert", "key"] as const) {
    if (mqtt[key] !== undefined && !secure) {
      found.push({ path: [...path, key], text: "needs a url that begins with mqtts:// or wss://" });
    }
  }
  if ((mqtt.cert === undefined) !== (mqtt.key === undefined)) {
    const given = mqtt.cert === undefined ? "key" : "cert";
    found.push({ path: [...path, given], text: "`cert` and `key` need each other" });
  }
  if (mqtt.password !== undefined && mqtt.username === undefined) {
    found.push({ path: [...path, "password"], text: "needs `username` beside it" });
  }
  const places: [Path, string][] =
    mqtt.urls === undefined ? [[["url"], mqtt.url]] : mqtt.urls.map((url, index) => [["urls", index], url]);
  for (const [place, url] of places) {
    const at = [...path, ...place];
    if (!URL.canParse(url)) found.push({ path: at, text: `found ${JSON.stringify(url)}, allowed: mqtt://host:port` });
    else if (new URL(url).username !== "" || new URL(url).password !== "") {
      found.push({ path: at, text: "a login does not belong here, use `username` and `password`" });
    }
  }
  return found;
}

/** As people write it: `lanes[0].conveyor.kind`. */
function format(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

/** Line of the key, or of the nearest thing around it that is in the file. */
function lineOf(document: Document, lines: LineCounter, path: Path): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const part = path[length - 1];
    let node: unknown = document.getIn(path.slice(0, length), true);
    if (isMap(parent)) node = parent.items.find(({ key }) => isScalar(key) && key.value === part)?.key ?? node;
    const start = isNode(node) ? (node as Node).range?.[0] : undefined;
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}
