import { GradelineError } from "../base/errors.ts";
import type { LineConfig } from "../config/schema.ts";
import { drawRoll, facing, type Roll } from "./body.ts";
import { catalogue, type FaultKind, type GradeRule, type Span, type Variety } from "./catalogue.ts";
import type { LineGeometry } from "./geometry.ts";
import { hash32, Random } from "./random.ts";
import type { Vector } from "./rotation.ts";
import type { Sequence, SequenceFolder } from "./sequences.ts";

/** Shares of the grades among the fruit that belong to one, as a packing house may see them in a mixed season. */
const GRADE_SHARE: Readonly<Record<string, number>> = { sound: 0.55, second: 0.22, reject: 0.23 };

/** One fault on a body. */
export interface Fault {
  readonly name: string;
  readonly kind: FaultKind;
  /** Direction of its centre on the body, unit length. */
  readonly at: Vector;
  /** Radians seen from the centre of the body. */
  readonly radius: number;
  readonly seed: number;
}

/** One fruit: all that is needed to draw it but its place. */
export interface Fruit {
  readonly seed: number;
  readonly grade: string;
  /** Name of the variety, the stranger or the folder. */
  readonly kind: string;
  /** Half the diameter across the stem axis; of a real sequence half its picture's diameter. */
  readonly radiusMm: number;
  readonly halfHeightMm: number;
  readonly lateralMm: number;
  readonly roll: Roll;
  /** Set for rendered fruit. */
  readonly variety: Variety | undefined;
  readonly faults: readonly Fault[];
  /** Set for real turning sequences. */
  readonly sequence: Sequence | undefined;
}

/**
 * Draws the fruit number `index` of a lane; undefined where the cup is empty. The same arguments give the same fruit.
 *
 * @param folder real sequences to draw from instead of rendered fruit
 */
export function drawFruit(
  config: LineConfig,
  geometry: LineGeometry,
  folder: SequenceFolder | undefined,
  lane: number,
  index: number,
): Fruit | undefined {
  if (config.conveyor === "cups" && index < geometry.leadCups) return undefined;
  const own = config.circulate === undefined ? { lane, index } : roundOf(index, config.circulate, geometry.leadCups);
  const seed = hash32(config.seed, own.lane, own.index, 0x66727569);
  const random = new Random(seed);
  const empty = random.unit() < config.emptyCups;
  if (config.conveyor === "cups" && empty) return undefined;
  const stranger = random.unit() < config.strangers;
  const fruit =
    folder === undefined
      ? rendered(config, geometry, random, seed, stranger)
      : recorded(config, geometry, folder, random, seed, stranger);
  return config.circulate === undefined ? fruit : turned(fruit, config, geometry, lane, index);
}

/** Which fruit of those that go round it is: the same on every lane. */
function roundOf(index: number, circulate: number, leadCups: number): { lane: number; index: number } {
  return { lane: 0, index: leadCups + ((index - leadCups) % circulate) };
}

/** A fruit that went round lies otherwise each time; its faults lie where they are on it. */
function turned(fruit: Fruit, config: LineConfig, geometry: LineGeometry, lane: number, index: number): Fruit {
  const random = new Random(config.seed, lane, index, 0x7475726e);
  const across = fruit.sequence !== undefined || random.unit() < 0.5;
  const roll = drawRoll(random, geometry.widthMm, fruit.roll.turnPerMm, across);
  // Of real fruit the seed is only where the sequence begins.
  const seed = fruit.sequence === undefined ? fruit.seed : random.word();
  return { ...fruit, seed, roll, lateralMm: lateral(config, random) };
}

function rendered(config: LineConfig, geometry: LineGeometry, random: Random, seed: number, stranger: boolean): Fruit {
  const names = stranger ? Object.keys(catalogue.strangers) : varietyNames(config);
  const kind = names[random.int(names.length)]!;
  const variety = (stranger ? catalogue.strangers : catalogue.varieties)[kind]!;
  const grade = stranger ? "unknown" : weighted(random, GRADE_SHARE);
  const radiusMm = random.range(...variety.diameterMm) / 2;
  const ratio = random.range(...variety.heightRatio);
  const across = ratio > 1.12 || random.unit() < 0.5;
  const roll = drawRoll(random, geometry.widthMm, turnPerMm(config, geometry, random, radiusMm), across);
  const rule = catalogue.grades[grade];
  return {
    seed,
    grade,
    kind,
    radiusMm,
    halfHeightMm: radiusMm * ratio,
    lateralMm: lateral(config, random),
    roll,
    variety,
    faults:
      rule === undefined
        ? []
        : drawFaults(random, faultsFor(rule, variety), rule.size ?? [0, 1], roll, config, geometry),
    sequence: undefined,
  };
}

function recorded(
  config: LineConfig,
  geometry: LineGeometry,
  folder: SequenceFolder,
  random: Random,
  seed: number,
  stranger: boolean,
): Fruit {
  const known = folder.grades.filter((grade) => grade !== "unknown");
  const grade = (stranger && folder.grades.includes("unknown")) || known.length === 0 ? "unknown" : pick(random, known);
  const sequence = pick(
    random,
    folder.sequences.filter((each) => each.grade === grade),
  );
  const radiusMm = random.range(66, 80) / 2;
  const roll = drawRoll(random, geometry.widthMm, turnPerMm(config, geometry, random, radiusMm), true);
  return {
    seed,
    grade,
    kind: sequence.item,
    radiusMm,
    halfHeightMm: radiusMm,
    lateralMm: lateral(config, random),
    roll,
    variety: undefined,
    faults: [],
    sequence,
  };
}

/** The varieties that run on this line. @throws {GradelineError} CONFIG when one is not in models/fruit.json */
export function varietyNames(config: LineConfig): readonly string[] {
  const known = Object.keys(catalogue.varieties);
  const odd = config.varieties?.find((name) => !known.includes(name));
  if (odd === undefined) return config.varieties ?? known;
  throw new GradelineError("CONFIG", `varieties: \`${odd}\` is no variety; there are ${known.join(", ")}`, {
    hint: "take names from `varieties` in models/fruit.json",
  });
}

/** What counts as a fault on this variety: skin that is russeted by nature cannot show russet as one. */
function faultsFor({ faults }: GradeRule, { stemRusset }: Variety): Readonly<Record<string, number>> {
  if (stemRusset[1] < 0.8) return faults;
  return Object.fromEntries(Object.entries(faults).filter(([name]) => name !== "russet"));
}

function drawFaults(
  random: Random,
  weights: Readonly<Record<string, number>>,
  size: Span,
  roll: Roll,
  config: LineConfig,
  geometry: LineGeometry,
): readonly Fault[] {
  if (Object.keys(weights).length === 0) return [];
  const name = weighted(random, weights);
  const kind = catalogue.faults[name]!;
  const count = Math.round(part(random, kind.count, size));
  // A fruit that lies still may lie on its fault.
  const first = config.rolls ? facingFault(random, roll, config, geometry) : random.direction();
  const faults: Fault[] = [];
  for (let i = 0; i < count; i++) {
    // The others lie around the first or, half of them, anywhere.
    const at = i === 0 ? first : random.unit() < 0.5 ? near(random, first, 0.7) : random.direction();
    faults.push({ name, kind, at, radius: part(random, kind.radius, size), seed: random.word() });
  }
  return faults;
}

/**
 * Where the first fault lies: near the rolling equator, so that it passes the camera; on cups also turned up in the
 * window next to mid-field; not in the cavities at the ends, where nothing could tell it from them.
 */
function facingFault(random: Random, roll: Roll, config: LineConfig, geometry: LineGeometry): Vector {
  const cups = config.conveyor === "cups";
  let at: Vector;
  let tries = 0;
  do {
    const ahead = cups ? random.range(-0.1, 0.1) : random.range(-Math.PI, Math.PI);
    const aside = random.range(-1, 1) * (cups ? 0.3 : 0.5);
    at = facing(roll, middleWindowMm(geometry, config), ahead, aside);
  } while (Math.abs(at[1]) > 0.8 && ++tries < 6);
  return at;
}

/** Centre of the window next to the middle of the field, from that middle; on a belt the middle itself. */
function middleWindowMm(geometry: LineGeometry, config: LineConfig): number {
  if (geometry.windows === 0) return 0;
  const window = Math.floor((geometry.windows - 1) / 2);
  return geometry.firstWindowMm + window * config.spacingMm - geometry.widthMm / 2;
}

/** A belt rolls fruit without slipping; the rollers of cups turn them about once while they cross the field. */
function turnPerMm(config: LineConfig, geometry: LineGeometry, random: Random, radiusMm: number): number {
  const jitter = random.range(-0.05, 0.05);
  if (!config.rolls) return 0;
  if (config.conveyor === "belt") return (1 + jitter / 2) / radiusMm;
  return (Math.min((2 * Math.PI) / geometry.windows, 1.08) + jitter) / config.spacingMm;
}

function lateral(config: LineConfig, random: Random): number {
  return random.range(-1, 1) * (config.conveyor === "cups" ? 1.5 : 2.5);
}

function part(random: Random, [low, high]: Span, [from, to]: Span): number {
  return random.range(low + (high - low) * from, low + (high - low) * to);
}

function near(random: Random, to: Vector, radians: number): Vector {
  const [x, y, z] = random.direction();
  const reach = Math.tan(radians * random.unit());
  const [vx, vy, vz] = [to[0] + x * reach, to[1] + y * reach, to[2] + z * reach];
  const length = Math.hypot(vx, vy, vz) || 1;
  return [vx / length, vy / length, vz / length];
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.int(from.length)]!;
}

function weighted(random: Random, weights: Readonly<Record<string, number>>): string {
  const names = Object.keys(weights);
  let rest = random.unit() * names.reduce((sum, name) => sum + weights[name]!, 0);
  for (const name of names) {
    rest -= weights[name]!;
    if (rest < 0) return name;
  }
  return names[names.length - 1]!;
}
