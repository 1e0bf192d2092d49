import assert from "node:assert/strict";
import { USUAL_FORM } from "../../device/contract/form.ts";
import type { Verdict } from "../../device/contract/messages.ts";
import { Cursor } from "../../device/publish/cursor.ts";
import type { JournalRow } from "../../device/publish/journal-row.ts";
import { Outbox } from "../../device/publish/outbox.ts";
import type { Carrier, Outgoing } from "../../device/publish/session.ts";
import { draft, STORED } from "./verdicts.ts";

interface InFlight {
  readonly topic: string;
  readonly seq: number;
  readonly backlog: boolean;
  acked(): void;
  refused(reason: string): void;
}

/** A connection on which nothing is acknowledged but what the test acknowledges. */
export class HeldCarrier implements Carrier {
  readonly limit: number;
  readonly sent: InFlight[] = [];
  readonly inFlight: InFlight[] = [];

  constructor(limit = 65_535) {
    this.limit = limit;
  }

  publish({ topic, payload, qos, retain }: Outgoing, acked: () => void, refused: (reason: string) => void): boolean {
    if (this.inFlight.length >= this.limit) return false;
    assert.deepEqual([qos, retain], [1, false]);
    const { seq, backlog = false } = JSON.parse(payload) as Verdict & { readonly backlog?: boolean };
    const end = (then: () => void) => () => {
      this.inFlight.splice(this.inFlight.indexOf(one), 1);
      then();
    };
    const one: InFlight = { topic, seq, backlog, acked: end(acked), refused: (reason) => end(() => refused(reason))() };
    this.sent.push(one);
    this.inFlight.push(one);
    return true;
  }

  /** As `seq`, those of the backlog negative. */
  get order(): number[] {
    return this.sent.map(({ seq, backlog }) => (backlog ? -seq : seq));
  }
}

/** A journal in memory that answers when it is let, an outbox over it, and what that told. */
export class OutboxRig {
  readonly outbox: Outbox;
  readonly rows: JournalRow[] = [];
  readonly acked: number[] = [];
  readonly told: string[] = [];
  readonly reads: { readonly limit: number; readonly after: number; answer(): Promise<void>; fail(): Promise<void> }[] =
    [];

  constructor(window: number) {
    const rows = {
      stats: { sinks: [] },
      pending: (_: string, limit: number, after = 0) => this.#ask(limit, after, (id) => !this.acked.includes(id)),
      ack: (_: string, ids: readonly number[]) => void this.acked.push(...ids),
    };
    this.outbox = new Outbox({
      cursor: new Cursor("plant", rows),
      window,
      form: USUAL_FORM,
      topicOf: (lane) => `gradeline/board/${lane}/verdict`,
      select: (_, limit, after) => this.#ask(limit, after, () => true),
      acked: ({ seq }, at, fresh) => {
        assert.ok(at > 1_600_000_000_000_000);
        this.told.push(`${fresh ? "fresh" : "late"} ${seq}`);
      },
      refused: ({ id }, reason) => void this.told.push(`refused ${id}: ${reason}`),
      failed: (error) => void this.told.push(`failed: ${(error as Error).message}`),
      held: (lane, reason) => void this.told.push(`held ${lane}: ${reason}`),
    });
  }

  #ask(limit: number, after: number, wanted: (id: number) => boolean): Promise<readonly JournalRow[]> {
    // What is there when it is asked, as the journal's thread answers it.
    const found = this.rows.filter(({ id }) => id > after && wanted(id)).slice(0, limit);
    const { promise, resolve, reject } = Promise.withResolvers<readonly JournalRow[]>();
    const end = (then: () => void) => () => {
      then();
      return new Promise<void>((done) => setImmediate(done));
    };
    this.reads.push({ limit, after, answer: end(() => resolve(found)), fail: end(() => reject(new Error("no disk"))) });
    return promise;
  }

  /** A verdict becomes durable; its id is its number. */
  store(lane = "a", payload?: string): JournalRow {
    const id = this.rows.length + 1;
    const text = payload ?? JSON.stringify(verdictOf(lane, id));
    const row = { id, lane, seq: id, item: `${lane}-run-${id}`, payload: text, decidedAt: 0, tick: 0 };
    this.rows.push(row);
    return row;
  }

  /** And is offered. */
  make(lane = "a"): void {
    const row = this.store(lane);
    this.outbox.offer({ row, verdict: verdictOf(lane, row.seq) });
  }

  async up(carrier: HeldCarrier): Promise<HeldCarrier> {
    this.outbox.up(carrier);
    await this.reads.at(-1)!.answer();
    return carrier;
  }
}

export function verdictOf(lane: string, seq: number): Verdict {
  const { v, device, lane: _, ...rest } = draft(lane, seq);
  return { v, device, epoch: STORED.epoch, lane, seq, ...rest };
}
