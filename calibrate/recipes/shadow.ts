import type { Config } from "../../device/config/schema.ts";
import type { ShadowReport } from "../../device/contract/messages.ts";
import type { Context } from "../cli/context.ts";
import { DaemonLink } from "../daemon/daemon-link.ts";
import { handOver, isFile } from "./hand-over.ts";

export interface ShadowWanted {
  /** File or name of the recipe to try; undefined: none is begun. */
  readonly recipe: string | undefined;
  readonly stop: boolean;
}

/** `shadow`: tries a recipe beside the active one, tells how they differ, or ends that. */
export async function shadow(context: Context, config: Config, { recipe, stop }: ShadowWanted): Promise<void> {
  const file = recipe !== undefined && (await isFile(recipe));
  const link = await DaemonLink.open(config);
  try {
    const wanted = file ? await handOver(context, config, recipe) : recipe;
    context.stop.throwIfAborted();
    const request = wanted === undefined ? (stop ? { stop } : {}) : { recipe: wanted };
    const answer = await link.during(link.ask("shadow", request, 0), context.stop);
    if (context.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
    else process.stdout.write(describe(answer.shadow, recipe !== undefined, stop));
  } finally {
    await link.close();
  }
}

function describe(report: ShadowReport | null, begun: boolean, stopped: boolean): string {
  if (report === null) {
    return stopped
      ? "the shadow is off\n"
      : "no shadow recipe is set; set one: gradeline-calibrate shadow FILE --config FILE\n";
  }
  const { recipe, model, gallery, since, items, same, different, skipped, pairs, last, problem } = report;
  const lines = [`${recipe} decides in the shadow since ${since.slice(0, 19)}Z: model ${model}, gallery ${gallery}`];
  if (begun) lines.push("verdicts do not change; gradeline-calibrate shadow --config FILE shows the differences");
  else {
    lines.push(
      `  ${items} items decided by both: ${same} the same${share(same, items)}, ${different} different${share(different, items)}`,
    );
    if (skipped > 0) lines.push(`  ${skipped} skipped because the line was busy`);
    if (problem !== null) lines.push(`  it cannot decide: ${problem}`);
    if (pairs.length > 0) {
      const width = Math.max(7, ...pairs.map(({ was }) => was.length));
      const other = Math.max(5, ...pairs.map(({ would }) => would.length));
      lines.push("", `  ${"verdict".padEnd(width)}  ${"would be".padEnd(Math.max(8, other))}  items`);
      for (const pair of pairs) {
        lines.push(
          `  ${pair.was.padEnd(width)}  ${pair.would.padEnd(Math.max(8, other))}  ${String(pair.items).padStart(5)}`,
        );
      }
      lines.push("", "  the newest differences; the page shows their views while it has them");
      for (const { item, lane, was, would, decidedAt } of last) {
        lines.push(`  ${item}  ${decidedAt.slice(0, 19)}Z  lane ${lane}  ${was} -> ${would}`);
      }
    }
    lines.push("", `take it over: gradeline-calibrate activate ${recipe} --config FILE; end this: shadow --stop`);
  }
  return `${lines.join("\n")}\n`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? "" : ` (${((part / whole) * 100).toFixed(1)} %)`;
}
