import { GradelineError } from "../../device/base/errors.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { changeOf } from "../../device/grade/gallery-edit.ts";
import type { Context } from "../cli/context.ts";
import { describeTold, tellDaemon } from "./change.ts";

/** Items named one by one; more are counted. */
const NAMED = 10;

/** `undo`, `undo --redo` */
export async function undoChange(context: Context, redo: boolean): Promise<void> {
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  const step = await writer.step(redo ? "forth" : "back");
  if (step === undefined) {
    throw new GradelineError("GALLERY", `there is nothing to ${redo ? "redo" : "undo"} in ${context.gallery}`, {
      hint: redo ? "a change after `undo` ends what can be redone" : "the last 20 changes are kept",
    });
  }
  writer.close();
  const told = await tellDaemon(context);
  const change = changeOf(step.before, step.after);
  const back = change.added.map(({ id, grade, origin }) => ({ id, grade, origin }));
  const gone = change.removed.map(({ id, grade, origin }) => ({ id, grade, origin }));
  const relabelled = change.relabelled.map(({ reference: { id, grade }, from }) => ({ id, from, to: grade }));
  const { settings, model } = change;
  const items = step.after.references.length;
  if (context.json) {
    const summary = { back, gone, relabelled, settings, model, items, stepsLeft: step.left, told };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  list(
    "back",
    back.map(({ id, grade, origin }) => `${id}  ${grade}  ${origin}`),
  );
  list(
    "gone",
    gone.map(({ id, grade, origin }) => `${id}  ${grade}  ${origin}`),
  );
  list(
    "regraded",
    relabelled.map(({ id, from, to }) => `${id}  ${from} -> ${to}`),
  );
  if (settings) process.stdout.write("the order, names, tolerances or calibration of the grades are restored\n");
  if (model) process.stdout.write("embedded by the other model again\n");
  process.stdout.write(
    `${items} items now; ${step.left === 1 ? "1 more step" : `${step.left} more steps`} can be undone\n${describeTold(told)}`,
  );
}

function list(what: string, lines: readonly string[]): void {
  for (const line of lines.slice(0, NAMED)) process.stdout.write(`${what}  ${line}\n`);
  if (lines.length > NAMED) process.stdout.write(`${what}  ${lines.length - NAMED} more\n`);
}
