import type { Config } from "../../device/config/schema.ts";
import type { DataOf } from "../../device/contract/verbs.ts";
import type { Context } from "../cli/context.ts";
import { DaemonLink } from "../daemon/daemon-link.ts";
import { handOver, isFile } from "./hand-over.ts";

/** `activate FILE` or `activate NAME-VERSION` on the running daemon. */
export async function activate(context: Context, config: Config, wanted: string): Promise<void> {
  const file = await isFile(wanted);
  const link = await DaemonLink.open(config);
  try {
    const recipe = file ? await handOver(context, config, wanted) : wanted;
    context.stop.throwIfAborted();
    tell(context, await asked(context, link, link.ask("activate", { recipe }, 0)));
  } finally {
    await link.close();
  }
}

/** `rollback` on the running daemon. */
export async function rollback(context: Context, config: Config): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    tell(context, await asked(context, link, link.ask("rollback", {}, 0)));
  } finally {
    await link.close();
  }
}

/** An engine for another model may take minutes; whoever does not wait for it ends nothing. */
async function asked<T>({ stop }: Context, link: DaemonLink, answer: Promise<T>): Promise<T> {
  try {
    return await link.during(answer, stop);
  } catch (error) {
    if (stop.aborted) process.stderr.write("the daemon continues; see the result with gradeline-calibrate recipes\n");
    throw error;
  }
}

function tell({ json }: Context, done: DataOf<"activate">): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(done)}\n`);
    return;
  }
  const { recipe, model, gallery, references, previous, changed } = done;
  const back = previous === null ? "" : `; rollback goes back to ${describeName(previous)}`;
  process.stdout.write(
    `${changed ? "the next fruit is graded by" : "graded already by"} ${describeName(recipe)}: model ${model}, ` +
      `gallery ${gallery}, ${references} references${back}\n`,
  );
}

/** A recipe's name as people read it. */
export function describeName(name: string | null): string {
  return name === null || name === "configuration" ? "the configuration's own model and gallery" : name;
}
