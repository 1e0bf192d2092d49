import type { z } from "zod";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type MessageForm, messageText } from "../contract/form.ts";
import { topicRoot } from "../contract/topics.ts";
import {
  type Handlers,
  type Response,
  requestSchema,
  type Verb,
  type VerbContract,
  verbNames,
  verbs,
} from "../contract/verbs.ts";
import type { AsideJob } from "./aside.ts";
import type { Outgoing, Session } from "./session.ts";

/** Largest request that is read. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** Most requests that may wait; the next one is answered `retry`. */
const MAX_WAITING = 16;
/** Most urgent requests under way; only hanging ones can be so many. */
const MAX_URGENT = 64;
/** Most long requests of one verb under way: they do not lock out another verb. */
const MAX_CONCURRENT = 8;
/** Most answers that wait for the connection; further ones are dropped. */
const MAX_ANSWERS = 64;
const MAX_TOPIC_BYTES = 256;
/** Brokers end a connection for topics with very many levels. */
const MAX_TOPIC_LEVELS = 16;

/** What came in, in the terms of either protocol version. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: Buffer | undefined;
}

export interface RequestParts {
  readonly device: string;
  readonly handlers: Handlers;
  readonly log: Log;
  readonly form: MessageForm;
  /** Longest that a handler may take until it is answered for. */
  readonly timeoutMs: number;
  /** An answer waits to be sent. */
  answered(): void;
}

interface Asked {
  readonly verb: Verb;
  readonly data: Record<string, unknown>;
  readonly address: Address;
  readonly urgent: boolean;
}

type Answer = Outgoing & { readonly qos: 1 };

/** Where the answer goes. */
interface Address {
  readonly verb: string;
  readonly topic: string | undefined;
  readonly correlationData: Buffer | undefined;
  readonly transaction: string | number | undefined;
}

/** Answers requests one after the other, in the order in which they came. Whatever comes in, nothing is thrown. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #root: string;
  readonly #waiting: Asked[] = [];
  readonly #answers: Answer[] = [];
  /** Answers to what is done at once; they pass those that wait. */
  readonly #urgent: Answer[] = [];
  #session: Session | undefined;
  #running = false;
  readonly #concurrent = new Map<Verb, number>();
  #atOnce = 0;
  #refused = 0;
  #answered = 0;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#root = topicRoot(parts.device);
  }

  get counters(): { readonly answered: number; readonly refused: number } {
    return { answered: this.#answered, refused: this.#refused };
  }

  up(session: Session): void {
    this.#session = session;
  }

  /** Whoever asked over a lost connection asks again; an answer that comes much later would only confuse. */
  down(): void {
    this.#session = undefined;
    this.#answers.length = 0;
    this.#urgent.length = 0;
  }

  receive(message: Incoming): void {
    const verb = message.topic.slice(this.#root.length + "request/".length);
    const { topic, problem } = this.#answerTopic(verb, message.responseTopic);
    let address: Address = { verb, topic, correlationData: message.correlationData, transaction: undefined };
    try {
      if (problem !== undefined) throw refusal(problem);
      if (message.retain) throw refusal("a request must not be retained", "publish it without the retain flag");
      const data = parseRequest(message.payload);
      const { transaction } = data;
      if (typeof transaction === "number" && !Number.isSafeInteger(transaction)) {
        throw refusal("`transaction` is a number that does not come back as it was given", "send it as a string");
      }
      if (typeof transaction === "number" || (typeof transaction === "string" && transaction.length <= 64)) {
        address = { ...address, transaction };
      }
      this.#enqueue({ verb: knownVerb(verb), data, address, urgent: false });
    } catch (error) {
      this.#refuse(address, error);
    }
  }

  /** The next answer that passes all others. @param skip topics that are left alone */
  nextUrgent(skip: (topic: string) => boolean): AsideJob | undefined {
    return nextOf(this.#urgent, skip);
  }

  /** The next answer. @param skip topics that are left alone */
  next(skip: (topic: string) => boolean): AsideJob | undefined {
    return nextOf(this.#answers, skip);
  }

  #enqueue(asked: Asked): void {
    const { verb } = asked;
    const parsed = requestSchema(verb).safeParse(asked.data);
    if (!parsed.success) throw refusal(issuesOf(parsed.error), `see request/${verb} in the reference of messages`);
    if (this.#parts.handlers[verb] === undefined) throw refusal(`\`${verb}\` is not available on this device`);
    const contract: VerbContract = verbs[verb];
    const { transaction: _, ...data } = parsed.data;
    const request = { ...asked, data, urgent: isUrgent(contract, data) };
    if (request.urgent) {
      if (this.#atOnce >= MAX_URGENT) throw tooMany();
      this.#atOnce++;
      void this.#answerTo(request, (work) => within(work, this.#parts.timeoutMs, verb)).finally(() => this.#atOnce--);
      return;
    }
    const running = this.#concurrent.get(verb) ?? 0;
    const full = contract.concurrent ? running >= MAX_CONCURRENT : this.#waiting.length >= MAX_WAITING;
    if (full) throw tooMany();
    if (contract.concurrent) {
      this.#concurrent.set(verb, running + 1);
      void this.#answerTo(request, (work) => work).finally(() =>
        this.#concurrent.set(verb, this.#concurrent.get(verb)! - 1),
      );
      return;
    }
    this.#waiting.push(request);
    if (!this.#running) {
      this.#running = true;
      this.#serve().catch((error: unknown) => this.#parts.log.error({ error }, "requests are not served any more"));
    }
  }

  async #serve(): Promise<void> {
    for (let asked = this.#waiting.shift(); asked !== undefined; asked = this.#waiting.shift()) {
      const { verb } = asked;
      await this.#answerTo(asked, (work) => within(work, this.#parts.timeoutMs, verb));
    }
    this.#running = false;
  }

  async #answerTo(
    { verb, data, address, urgent }: Asked,
    bounded: (work: Promise<unknown>) => Promise<unknown>,
  ): Promise<void> {
    try {
      const handler = this.#parts.handlers[verb] as (data: unknown) => Promise<unknown>;
      const result = await bounded(handler(data));
      const checked = verbs[verb].data.safeParse(result);
      if (!checked.success)
        throw new GradelineError("INTERNAL", `the answer is not as promised: ${issuesOf(checked.error)}`);
      this.#answered++;
      this.#answer(address, { status: "ok", data: checked.data }, urgent);
    } catch (error) {
      this.#refuse(address, error, urgent);
    }
  }

  #refuse(address: Address, error: unknown, urgent = false): void {
    this.#refused++;
    const { code, message, hint } = asGradelineError(error);
    const level = code === "INTERNAL" ? "error" : "debug";
    this.#parts.log[level]({ code, reason: message, topic: address.topic }, "request refused");
    const failure = hint === undefined ? { code, message } : { code, message, hint };
    this.#answer(address, { status: "error", error: failure }, urgent);
  }

  #answer(address: Address, response: Response, urgent: boolean): void {
    const { topic, correlationData } = address;
    const queue = urgent ? this.#urgent : this.#answers;
    if (topic === undefined || this.#session === undefined || queue.length >= MAX_ANSWERS) return;
    const payload = this.#textOf(address, response);
    const answer = { topic, payload, qos: 1, retain: false, correlationData } as const;
    if (this.#session.fits(answer)) queue.push(answer);
    else {
      const message = `the answer has ${Buffer.byteLength(payload)} bytes, the broker takes packets of at most ${this.#session.maxBytes}`;
      const failure = { code: "REQUEST", message, hint: "let the broker take larger packets" };
      queue.push({ ...answer, payload: this.#textOf(address, { status: "error", error: failure }) });
    }
    this.#parts.answered();
  }

  #textOf({ verb, transaction }: Address, response: Response): string {
    const message = transaction === undefined ? response : { ...response, transaction };
    return messageText(this.#parts.form, `${verb}Response`, message);
  }

  /** Answers go where the asker wants, but never where they would pass for a message of ours or for a request. */
  #answerTopic(verb: string, wanted: string | undefined): { topic: string | undefined; problem: string | undefined } {
    const own = /^[a-z][a-z0-9-]{0,31}$/.test(verb) ? `${this.#root}response/${verb}` : undefined;
    // Without the properties of MQTT 5 there is none; a broker that passes one on all the same does not decide.
    if (wanted === undefined || this.#session?.protocol === "3.1.1") return { topic: own, problem: undefined };
    const reserved = /^(\$|gradeline(\/|$))/.test(wanted) && !wanted.startsWith(`${this.#root}response/`);
    if (wanted === "" || Buffer.byteLength(wanted) > MAX_TOPIC_BYTES || /[+#\0]/.test(wanted) || reserved) {
      return { topic: own, problem: "the response topic is not one that answers may go to" };
    }
    if (wanted.split("/").length > MAX_TOPIC_LEVELS) {
      return { topic: own, problem: `the response topic has more than ${MAX_TOPIC_LEVELS} levels` };
    }
    return { topic: wanted, problem: undefined };
  }
}

/** The next whose topic is not left alone; those before it are given up. */
function nextOf(answers: Answer[], skip: (topic: string) => boolean): AsideJob | undefined {
  while (answers.length > 0 && skip(answers[0]!.topic)) answers.shift();
  const [answer] = answers;
  if (answer === undefined) return undefined;
  const send: AsideJob["send"] = (session, done) => {
    if (!session.publishAside(answer, () => done(), done)) return false;
    answers.shift();
    return true;
  };
  return { topic: answer.topic, send };
}

function isUrgent({ urgent }: VerbContract, data: Record<string, unknown>): boolean {
  return urgent?.(data) ?? false;
}

function tooMany(): GradelineError {
  return refusal("too many requests at once", "wait for the answers");
}

function knownVerb(verb: string): Verb {
  const known = verbNames.find((name) => name === verb);
  if (known === undefined) throw refusal("unknown verb", `known are ${verbNames.join(", ")}`);
  return known;
}

function parseRequest(payload: Uint8Array): Record<string, unknown> {
  if (payload.length > MAX_REQUEST_BYTES) {
    throw refusal(`the request has ${payload.length} bytes, at most ${MAX_REQUEST_BYTES} are read`);
  }
  if (payload.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (cause) {
    throw new GradelineError("REQUEST", "the request is not JSON in UTF-8", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal("the request is JSON but not an object", "send {} or nothing where there is nothing to say");
  }
  return value as Record<string, unknown>;
}

function issuesOf(error: z.ZodError): string {
  return error.issues.map((issue) => [issue.path.join("."), issue.message].filter(Boolean).join(": ")).join("; ");
}

function refusal(message: string, hint?: string): GradelineError {
  return new GradelineError("REQUEST", message, hint === undefined ? {} : { hint });
}

/** Work that takes longer goes on, but the requests behind it stop waiting for it. */
async function within<T>(work: Promise<T>, ms: number, verb: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new GradelineError("REQUEST", `\`${verb}\` took longer than ${ms / 1000} s; it may still complete`);
    timer = setTimeout(() => reject(error), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
