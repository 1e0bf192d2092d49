import { GradelineError } from "../../device/base/errors.ts";
import { loadModel } from "../../device/embed/model.ts";
import { type Contender, openers } from "./embed/contenders.ts";
import { type EmbedPair, measurePairs, type Ratio } from "./embed/pairs.ts";
import { type EmbedRow, measureTurns } from "./embed/turns.ts";
import { table } from "./table.ts";

export interface EmbedBench {
  readonly rows: readonly EmbedRow[];
  readonly pairs: readonly EmbedPair[];
  /** Backends that could not be opened here, with their reasons. */
  readonly absent: readonly { readonly backend: string; readonly reason: string }[];
}

export interface EmbedBenchOptions {
  readonly model?: string;
  readonly batches?: readonly number[];
  /** Time per backend and batch size. */
  readonly forMs?: number;
  readonly threads?: number;
}

/** Times every backend that can be opened here, at every batch size. */
export async function run(options: EmbedBenchOptions = {}): Promise<EmbedBench> {
  const { batches = [1, 4, 16, 64], forMs = 2000, threads = 1 } = options;
  const model = await loadModel(options.model ?? "models/embedder.json");
  const maxBatch = Math.max(...batches);
  const absent: { backend: string; reason: string }[] = [];
  const contenders: Contender[] = [];
  for (const [backend, open] of openers(model, threads, maxBatch)) {
    try {
      contenders.push(await open());
    } catch (error) {
      if (!(error instanceof GradelineError)) throw error;
      absent.push({ backend, reason: error.message });
    }
  }
  const rows: EmbedRow[] = [];
  const pairs: EmbedPair[] = [];
  for (const batch of batches) {
    rows.push(...(await measureTurns(contenders, batch, forMs)));
    pairs.push(...(await measurePairs(contenders, batch, forMs)));
  }
  for (const contender of contenders) await contender.close();
  return { rows, pairs, absent };
}

/** Both as tables for people. */
export function describe({ rows, pairs, absent }: EmbedBench): string {
  const cells = rows.map((row) => [
    row.backend,
    row.precision,
    `${row.batch}`,
    row.p50Ms.toFixed(3),
    row.p99Ms.toFixed(3),
    row.libraryMs.toFixed(3),
    row.overheadMs?.toFixed(3) ?? "",
    row.viewsPerS.toFixed(0),
    row.idleMs?.toFixed(3) ?? "",
    row.cpuPercent.toFixed(0),
    row.cpuMsPerView.toFixed(3),
    row.loopDelayP99Ms.toFixed(1),
  ]);
  const head = [
    "backend",
    "precision",
    "batch",
    "p50 ms",
    "p99 ms",
    "library ms",
    "outside ms",
    "views/s",
    "idle ms",
    "CPU %",
    "CPU ms/view",
    "loop p99 ms",
  ];
  const compared = pairs.map((pair) => [
    `${pair.backend} : ${pair.against}`,
    pair.precision,
    `${pair.batch}`,
    `${pair.pairs}`,
    ratio(pair.call),
    ratio(pair.library),
  ]);
  return [
    table(head, cells),
    "",
    table(["call by call in turn", "precision", "batch", "pairs", "call", "library"], compared),
    ...absent.map(({ backend, reason }) => `${backend}: not here: ${reason}`),
  ].join("\n");
}

function ratio({ median, error }: Ratio): string {
  return `${median.toFixed(3)} ± ${error.toFixed(3)}`;
}

if (import.meta.main) {
  const bench = await run();
  process.stdout.write(process.argv.includes("--json") ? `${JSON.stringify(bench)}\n` : `${describe(bench)}\n`);
}
