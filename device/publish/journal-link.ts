import { Worker } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import type { Notice } from "./journal-file.ts";
import type { JournalStats } from "./journal-store.ts";
import type { JournalAnswer, JournalCall, JournalOpened, JournalReply, JournalSetup } from "./journal-thread.ts";

interface Question {
  resolve(answer: JournalAnswer): void;
  reject(error: GradelineError): void;
}

/** One life of the journal's thread: questions and answers, in order. */
export class JournalLink {
  readonly #worker: Worker;
  /** Asked and not answered yet. */
  readonly #questions: Question[] = [];
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;
  #failure: GradelineError | undefined;

  private constructor(
    setup: JournalSetup,
    told: (stats: JournalStats | undefined, notices: readonly Notice[]) => void,
  ) {
    this.#worker = new Worker(new URL("./journal-thread.ts", import.meta.url), { workerData: setup });
    this.#worker.on("message", ({ answer, stats, notices }: JournalReply) => {
      told(stats, notices);
      if (answer !== undefined) this.#answered(answer);
    });
    this.#worker.on("error", (cause) => this.#broke(cause));
    this.ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#broke(undefined);
        resolve();
      });
    });
  }

  /** @throws {GradelineError} JOURNAL what the opening of the file throws */
  static async open(
    setup: JournalSetup,
    told: (stats: JournalStats | undefined, notices: readonly Notice[]) => void,
  ): Promise<{ readonly link: JournalLink; readonly opened: JournalOpened }> {
    const link = new JournalLink(setup, told);
    try {
      const opened = await new Promise<JournalAnswer>((resolve, reject) => link.#questions.push({ resolve, reject }));
      return { link, opened: expect(opened, "opened") };
    } catch (error) {
      await link.ended;
      throw error;
    }
  }

  async ask<K extends JournalAnswer["kind"]>(
    call: JournalCall,
    wanted: K,
  ): Promise<Extract<JournalAnswer, { kind: K }>> {
    if (this.#failure !== undefined) throw this.#failure;
    const answer = new Promise<JournalAnswer>((resolve, reject) => this.#questions.push({ resolve, reject }));
    this.#worker.postMessage(call);
    return expect(await answer, wanted);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: JournalAnswer): void {
    const question = this.#questions.shift();
    if (answer.kind !== "failed") {
      question?.resolve(answer);
      return;
    }
    const { message, hint, retry } = answer;
    question?.reject(new GradelineError("JOURNAL", message, hint === undefined ? { retry } : { hint, retry }));
  }

  #broke(cause: unknown): void {
    this.#failure ??= new GradelineError("JOURNAL", "the journal's thread ended", {
      hint: "it is started again; what was durable is still in the file",
      cause,
    });
    for (const question of this.#questions.splice(0)) question.reject(this.#failure);
  }
}

function expect<K extends JournalAnswer["kind"]>(
  answer: JournalAnswer,
  wanted: K,
): Extract<JournalAnswer, { kind: K }> {
  if (answer.kind === wanted) return answer as Extract<JournalAnswer, { kind: K }>;
  throw new GradelineError("INTERNAL", `the journal's thread answered ${answer.kind}, not ${wanted}`);
}
