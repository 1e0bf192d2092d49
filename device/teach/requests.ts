import { GradelineError } from "../base/errors.ts";
import { shortHash } from "../base/short-hash.ts";
import type { DataOf, Handlers, RequestOf } from "../contract/verbs.ts";
import type { Enrolled, Teaching } from "./teaching.ts";

/** Answers the requests by which the line is taught. */
export function teachingHandlers(teaching: () => Teaching): Pick<Handlers, "enroll" | "dismiss" | "relearn"> {
  return {
    enroll: async (request) => enroll(teaching(), request),
    relearn: async ({ lane }) => {
      if (lane !== undefined) teaching().checkLane(lane);
      const lanes = lane === undefined ? teaching().lanes : [lane];
      await teaching().drift.relearn(lanes);
      return { lanes };
    },
    dismiss: async ({ items }) => ({ dismissed: await teaching().dismiss(items) }),
  };
}

async function enroll(teaching: Teaching, request: RequestOf<"enroll">): Promise<DataOf<"enroll">> {
  const { grade, items, lane, count, idleS } = request;
  if ((items === undefined) === (lane === undefined)) {
    throw wrong(`found ${items === undefined ? "neither" : "both"} of items and lane`);
  }
  if (items !== undefined) {
    if (grade === undefined) throw wrong("grade is missing");
    if (count !== undefined || idleS !== undefined) throw wrong("count and idleS go with lane, not with items");
    return answer(await teaching.enrollItems(grade, items));
  }
  if (count === undefined) throw wrong("count is missing");
  if (count === 0) {
    if (!teaching.cancel(lane!)) {
      throw new GradelineError("REQUEST", `nothing to cancel: lane ${lane} is not counting fruit to enroll`);
    }
    return { cancelled: true, grade: null, items: [], gallery: null, references: null };
  }
  if (grade === undefined) throw wrong("grade is missing");
  return answer(await teaching.enrollLane(lane!, grade, count, (idleS ?? DEFAULT_IDLE_S) * 1000));
}

const DEFAULT_IDLE_S = 120;

function answer({ grade, items, recipe }: Enrolled): DataOf<"enroll"> {
  return {
    cancelled: false,
    grade,
    items: [...items],
    gallery: shortHash(recipe.galleryHash),
    references: recipe.references,
  };
}

function wrong(found: string): GradelineError {
  return new GradelineError("REQUEST", found, {
    hint: "wanted {grade, items: [id…]}, {lane, grade, count} or, to cancel, {lane, count: 0}",
  });
}
