import type { Session } from "./session.ts";

/** One packet that is not a verdict: a retained message, an answer, the subscription. */
export interface AsideJob {
  /** Topic that it is about; where the broker minds it, it is left alone on this connection. */
  readonly topic: string;
  /**
   * Does it once.
   *
   * @param done called when the broker has taken it, or with the reason why it does not
   * @returns false where there is no room at present
   */
  send(session: Session, done: (problem?: string) => void): boolean;
}

/** Gives the next job, or undefined where there is none. `skip` says which topics are left alone. */
export type AsideSource = (skip: (topic: string) => boolean) => AsideJob | undefined;

export interface AsideParts {
  /** The first goes first, also before verdicts have had their turn; from the second on they take turns. */
  readonly sources: readonly AsideSource[];
  /** A job that is not answered for so long is given up, milliseconds. */
  readonly answerMs: number;
  /** How long a topic is left alone after the broker ended two connections because of it, milliseconds. */
  readonly banMs: number;
  refused(topic: string, problem: string): void;
}

/** Connections that may end with the same topic under way before it is left alone. */
const STRIKES = 2;
/** The same for a topic that the broker took before: it is more likely that something else ended them. */
const STRIKES_OF_TAKEN = 5;
/** Topics that are remembered: askers choose their own. */
const MAX_TOPICS = 256;
const ENDS = "the broker ends the connection when it gets it";

/**
 * Sends packets that are not verdicts, one at a time, so that a refusal can be traced to its packet. A topic that the broker
 * refuses, does not acknowledge or ends the connection for is told once and left alone; verdicts go on.
 */
export class Aside {
  readonly #parts: AsideParts;
  readonly #strikes = new Map<string, { count: number; until: number }>();
  readonly #refused = new Map<string, string>();
  /** Topics that the broker took at least once. */
  readonly #taken = new Map<string, true>();
  #session: Session | undefined;
  #open = false;
  #busy: { readonly topic: string; readonly timer: NodeJS.Timeout } | undefined;
  #turn = 0;

  constructor(parts: AsideParts) {
    this.#parts = parts;
  }

  /** Topics that are left alone on this connection, with the reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  up(session: Session): void {
    this.#session = session;
    this.#refused.clear();
    for (const [topic, { count, until }] of this.#strikes) {
      const most = this.#taken.has(topic) ? STRIKES_OF_TAKEN : STRIKES;
      if (count < most) continue;
      if (performance.now() < until) this.#refuse(topic, ENDS);
      // Tried once more: the broker may have been told better.
      else this.#strikes.set(topic, { count: most - 1, until });
    }
  }

  /** Verdicts have had their turn. */
  open(): void {
    this.#open = true;
    this.pump();
  }

  /** @returns the topic that the connection may have ended for */
  down(): string | undefined {
    const busy = this.#busy;
    clearTimeout(busy?.timer);
    this.#session = undefined;
    this.#open = false;
    this.#busy = undefined;
    if (busy === undefined) return undefined;
    const count = (this.#strikes.get(busy.topic)?.count ?? 0) + 1;
    this.#strikes.set(busy.topic, { count, until: performance.now() + this.#parts.banMs });
    forgetOldest(this.#strikes);
    return this.#taken.has(busy.topic) ? undefined : busy.topic;
  }

  pump(): void {
    while (this.#session !== undefined && this.#busy === undefined) {
      const job = this.#next();
      if (job === undefined || !this.#send(this.#session, job)) return;
    }
  }

  #next(): AsideJob | undefined {
    const [first, ...others] = this.#parts.sources;
    const skip = (topic: string): boolean => this.#refused.has(topic);
    const urgent = first?.(skip);
    if (urgent !== undefined || !this.#open) return urgent;
    for (let tried = 0; tried < others.length; tried++) {
      const job = others[this.#turn++ % others.length]!(skip);
      if (job !== undefined) return job;
    }
    return undefined;
  }

  #send(session: Session, job: AsideJob): boolean {
    const { topic } = job;
    const finish = (problem?: string): void => {
      if (session !== this.#session || this.#busy !== busy) return;
      clearTimeout(busy.timer);
      this.#busy = undefined;
      if (problem === undefined) {
        this.#strikes.delete(topic);
        this.#taken.set(topic, true);
        forgetOldest(this.#taken);
      } else this.#refuse(topic, problem);
      this.pump();
    };
    const late = `the broker does not acknowledge it within ${this.#parts.answerMs / 1000} s`;
    const busy = { topic, timer: setTimeout(() => finish(late), this.#parts.answerMs) };
    this.#busy = busy;
    if (job.send(session, finish)) return true;
    clearTimeout(busy.timer);
    this.#busy = undefined;
    return false;
  }

  #refuse(topic: string, problem: string): void {
    this.#refused.set(topic, problem);
    forgetOldest(this.#refused);
    this.#parts.refused(topic, problem);
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size > MAX_TOPICS) map.delete(map.keys().next().value!);
}
