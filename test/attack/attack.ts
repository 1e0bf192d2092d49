/** A message as its receiver had it. */
export interface Heard {
  readonly topic: string;
  readonly text: string;
}

/** What one kind of attack came to, over all its rounds. */
export interface AttackResult {
  /** Rounds that were run. */
  readonly count: number;
  /** Verdicts that nobody got and nobody was told of. */
  readonly lost: number;
  /** Numbers that two items have, and items that have two numbers or two decisions. */
  readonly doubled: number;
  /** Messages that no fruit stands for, or that are not as the contract promises. */
  readonly invented: number;
  /** Verdicts or rounds of which the daemon itself said that something is missing or wrong. */
  readonly told: number;
  /** Whatever else was not as it should be, in words; empty where all was. */
  readonly wrong: readonly string[];
  /** Longest time from a verdict's decision to its receiver, seconds, where it is measured; the goal is under one. */
  readonly waitS?: number | undefined;
  /** What the state said of it, and after how long. */
  readonly said?: readonly string[] | undefined;
}

/** One kind of attack. A new one is a file beside this, named in the list of `main.ts`. */
export interface Attack {
  readonly name: string;
  /** Rounds of a whole run; CI runs a tenth. */
  readonly count: number;
  /** Why it cannot be run here; false where it can. */
  readonly skip?: string | false;
  /** @param tell takes a line about how far it is */
  run(count: number, tell: (line: string) => void): Promise<AttackResult>;
}

/** Takes down what goes wrong in the rounds of an attack. */
export class Findings {
  lost = 0;
  doubled = 0;
  invented = 0;
  told = 0;
  readonly wrong: string[] = [];
  readonly said: string[] = [];
  waitS: number | undefined;

  result(count: number): AttackResult {
    const { lost, doubled, invented, told, wrong, waitS, said } = this;
    return { count, lost, doubled, invented, told, wrong, waitS, said };
  }

  /** Adds what {@link numbered} found, less what was told. */
  add(found: Numbered, told = 0): void {
    this.lost += Math.max(0, found.missing.length - told);
    this.told += told;
    this.doubled += found.doubled.length;
    this.invented += found.invented.length;
    this.wrong.push(...found.doubled, ...found.invented);
    if (found.missing.length > told) this.wrong.push(`missing, and not told: ${found.missing.slice(0, 10).join(", ")}`);
  }
}

export interface Numbered {
  /** Numbers of each journal and lane below its highest that no message has. */
  readonly missing: string[];
  readonly doubled: string[];
  readonly invented: string[];
  readonly heard: number;
}

/**
 * Holds the verdicts that a subscriber heard against what is promised of their numbers.
 *
 * @param check says why a message is not as promised; undefined where it is
 */
export function numbered(heard: readonly Heard[], check: (message: unknown) => string | undefined): Numbered {
  const found = { missing: [] as string[], doubled: [] as string[], invented: [] as string[], heard: 0 };
  const itemOf = new Map<string, string>();
  const saidOf = new Map<string, string>();
  const highest = new Map<string, number>();
  for (const { topic, text } of heard) {
    if (!topic.endsWith("/verdict")) continue;
    found.heard++;
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      found.invented.push(`no JSON on ${topic}: ${text.slice(0, 60)}`);
      continue;
    }
    const problem = check(message);
    if (problem !== undefined || !topic.endsWith(`/lane/${message.lane}/verdict`)) {
      found.invented.push(`${topic}: ${problem ?? "not its lane"}`);
      continue;
    }
    // A repeat says the same, but for whether it comes late.
    const { backlog: _, ...said } = message;
    const lane = `${message.epoch ?? ""}/${message.lane}`;
    const number = `${lane}/${message.seq}`;
    const item = String(message.item);
    if ((itemOf.get(number) ?? item) !== item) found.doubled.push(`${number} is ${itemOf.get(number)} and ${item}`);
    const before = saidOf.get(item);
    if (before !== undefined && before !== JSON.stringify(said)) found.doubled.push(`${item} was decided twice`);
    itemOf.set(number, item);
    saidOf.set(item, JSON.stringify(said));
    highest.set(lane, Math.max(highest.get(lane) ?? 0, Number(message.seq)));
  }
  for (const [lane, last] of highest) {
    for (let seq = 1; seq <= last; seq++) if (!itemOf.has(`${lane}/${seq}`)) found.missing.push(`${lane}/${seq}`);
  }
  return found;
}
