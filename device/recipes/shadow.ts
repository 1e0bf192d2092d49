import { setImmediate as turn } from "node:timers/promises";
import { asGradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { shortHash } from "../base/short-hash.ts";
import { formatMicros, type Micros, nowMicros } from "../base/time.ts";
import type { ShadowReport, Verdict } from "../contract/messages.ts";
import type { ShadowMetrics } from "../contract/metrics.ts";
import type { Embedder } from "../embed/embedder.ts";
import { embedAll } from "../gallery/enroll.ts";
import type { DecidedItem } from "./decided-item.ts";
import type { Recipe } from "./load.ts";

/** Items that wait to be looked at, and the pixels that they hold; what comes beyond either is left out and counted. */
const MAX_WAITING = 32;
const MAX_BYTES = 16 * 1024 * 1024;
/** Views embedded between two looks at whether the line needs the machine. */
const CHUNK = 4;
const MAX_PAIRS = 200;
const MAX_LAST = 20;

export interface ShadowParts {
  readonly log: Log;
  readonly metrics: ShadowMetrics;
  readonly recipe: Recipe;
  /** sha256 of the model that it is compared by, hex. */
  readonly modelHash: string;
  /** Its own model where the line runs another one; closed with it. */
  readonly embedder: Embedder | undefined;
  /** Opens its own model when the line has changed to another one. */
  openEmbedder(): Promise<Embedder>;
  /** Resolves when the line has no views with its model. */
  idle(): Promise<void>;
}

interface Waiting {
  readonly verdict: Verdict;
  readonly decided: DecidedItem;
}

/** Another word for the same fruit. */
interface Difference {
  readonly item: string;
  readonly lane: string;
  readonly was: string;
  readonly would: string;
  readonly decidedAt: string;
}

/**
 * A second recipe that decides beside the first, and is only counted. It works when the line does not need the machine:
 * on a line that never rests most items are left out, and no verdict waits.
 */
export class Shadow implements Closable {
  readonly recipe: Recipe;
  readonly #parts: ShadowParts;
  readonly #since: Micros = nowMicros();
  readonly #waiting: Waiting[] = [];
  readonly #pairs = new Map<string, { readonly was: string; readonly would: string; items: number }>();
  readonly #last: Difference[] = [];
  #bytes = 0;
  #same = 0;
  #different = 0;
  #skipped = 0;
  #problem: string | undefined;
  #embedder: Embedder | undefined;
  #busy = false;
  #working: Promise<void> | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #closing = false;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
    this.recipe = parts.recipe;
    this.#embedder = parts.embedder;
  }

  /** Takes an item whose verdict is on disk; never throws and never waits. */
  offer(verdict: Verdict, decided: DecidedItem): void {
    if (this.#closing || decided.embedded === 0) return;
    const bytes = bytesOf(decided);
    if (this.#waiting.length >= MAX_WAITING || this.#bytes + bytes > MAX_BYTES) {
      this.#skip();
      return;
    }
    this.#bytes += bytes;
    this.#waiting.push({ verdict, decided });
    if (!this.#busy) this.#working = this.#work();
  }

  get report(): ShadowReport {
    const { recipe, modelHash } = this.#parts;
    return {
      recipe: recipe.name ?? "",
      model: shortHash(modelHash),
      gallery: shortHash(recipe.galleryHash),
      since: formatMicros(this.#since),
      items: this.#same + this.#different,
      same: this.#same,
      different: this.#different,
      skipped: this.#skipped,
      pairs: [...this.#pairs.values()].sort((a, b) => b.items - a.items).map((pair) => ({ ...pair })),
      last: [...this.#last],
      problem: this.#problem ?? null,
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#ended.resolve();
    this.#waiting.length = 0;
    await this.#working;
    await this.#embedder?.close();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined && !this.#closing; next = this.#waiting.shift()) {
      this.#bytes -= bytesOf(next.decided);
      await this.#decide(next);
    }
    // In the same turn in which nothing was left: what comes from now on begins anew.
    this.#busy = false;
  }

  async #decide({ verdict, decided }: Waiting): Promise<void> {
    try {
      const embeddings = await this.#embeddingsOf(decided);
      if (embeddings === undefined) return;
      await turn();
      const { outcome, grade } = this.recipe.grader.grade(embeddings.rows, embeddings.count);
      this.#count(verdict, grade ?? outcome);
      this.#problem = undefined;
    } catch (error) {
      const { message, hint } = asGradelineError(error, "INFERENCE");
      if (this.#problem === undefined) {
        this.#parts.log.warn({ hint }, `the recipe in the shadow cannot grade: ${message}`);
      }
      this.#problem = message;
      this.#skip();
    }
  }

  /** Undefined where it was closed meanwhile. */
  async #embeddingsOf({
    by,
    crops,
    embeddings,
    embedded,
  }: DecidedItem): Promise<{ readonly rows: Float32Array; readonly count: number } | undefined> {
    if (by.modelHash === this.#parts.modelHash) return { rows: embeddings, count: embedded };
    this.#embedder ??= await this.#parts.openEmbedder();
    const { dimension } = this.#embedder.model;
    const rows = new Float32Array(crops.length * dimension);
    for (let from = 0; from < crops.length; from += CHUNK) {
      await Promise.race([this.#parts.idle(), this.#ended.promise]);
      if (this.#closing) return undefined;
      rows.set(await embedAll(this.#embedder, crops.slice(from, from + CHUNK)), from * dimension);
    }
    return { rows, count: crops.length };
  }

  #skip(): void {
    this.#skipped++;
    this.#parts.metrics.item("skipped");
  }

  #count({ item, lane, grade, outcome, decidedAt }: Verdict, would: string): void {
    const was = grade ?? outcome;
    if (was === would) {
      this.#same++;
      this.#parts.metrics.item("same");
      return;
    }
    this.#different++;
    this.#parts.metrics.item("different");
    const key = `${was}\n${would}`;
    const pair = this.#pairs.get(key);
    if (pair !== undefined) pair.items++;
    else if (this.#pairs.size < MAX_PAIRS) this.#pairs.set(key, { was, would, items: 1 });
    this.#last.unshift({ item, lane, was, would, decidedAt });
    this.#last.length = Math.min(this.#last.length, MAX_LAST);
  }
}

function bytesOf({ crops }: DecidedItem): number {
  return crops.reduce((sum, { length }) => sum + length, 0);
}
