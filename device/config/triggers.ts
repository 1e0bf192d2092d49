import { z } from "zod";
import type { LaneProblem } from "./lane-cameras.ts";
import { nameSchema } from "./names.ts";
import type { Config } from "./schema.ts";

const key = z.number().int().min(0).max(0xffff_ffff);

/** Cameras that one request lets expose, together or one after the other. */
export const triggerGroupSchema = z
  .strictObject({
    id: nameSchema,
    by: z
      .enum(["software", "action"])
      .default("software")
      .describe(
        "`software`: each camera gets its order at the same moment, or after its delay; `action`: one GigE Vision action command to all, delays are kept by the cameras",
      ),
    cameras: z
      .array(
        z.strictObject({
          camera: nameSchema,
          delayMs: z.number().min(0).max(1000).default(0).describe("from the trigger to its exposure"),
        }),
      )
      .min(1)
      .max(16)
      .describe("of kind gige, with `trigger: { source: Software }`, or `Action1` where `by` is `action`"),
    exposures: z
      .enum(["together", "apart"])
      .default("together")
      .describe("`apart`: flashes must not meet; exposures that overlap are refused, each camera needs `exposureUs`"),
    deviceKey: key.default(1).describe("action: the cameras get it"),
    groupKey: key.default(1).describe("action"),
    groupMask: key.default(1).describe("action"),
  })
  .describe("cameras under one trigger, which the request `trigger` of their lane gives");

export type TriggerGroup = z.output<typeof triggerGroupSchema>;

/** What is wrong with the groups of cameras under one trigger. */
export function checkTriggers({ cameras, triggers }: Pick<Config, "cameras" | "triggers">): LaneProblem[] {
  const problems: LaneProblem[] = [];
  const taken = new Map<string, string>();
  for (const [index, group] of triggers.entries()) {
    for (const [n, { camera }] of group.cameras.entries()) {
      const path = ["triggers", index, "cameras", n, "camera"];
      const before = taken.get(camera);
      if (before !== undefined) problems.push({ path, text: `found ${camera} a second time, it is in ${before}` });
      taken.set(camera, `triggers[${index}]`);
      const text = unfit(group, cameras.find(({ id }) => id === camera)?.source, camera);
      if (text !== undefined) problems.push({ path, text });
    }
    if (group.exposures === "apart") checkApart(cameras, group, index, problems);
  }
  return problems;
}

function unfit(
  { by }: TriggerGroup,
  source: Config["cameras"][number]["source"] | undefined,
  camera: string,
): string | undefined {
  if (source === undefined) return `found ${camera}, allowed: a camera of this file`;
  if (source.kind !== "gige") return `found ${camera} of kind ${source.kind}, allowed: a camera of kind gige`;
  const wanted = by === "action" ? "Action1" : "Software";
  if (source.trigger?.source !== wanted) return `camera ${camera} needs trigger: { source: ${wanted} }`;
  if (by === "action" && !/^\d{1,3}(\.\d{1,3}){3}$/.test(source.camera ?? "")) {
    return `camera ${camera} needs its address in \`camera\`, for the action command`;
  }
  return undefined;
}

/** Flashes that must not meet: each exposure ends before the next one begins. */
function checkApart(cameras: Config["cameras"], group: TriggerGroup, index: number, problems: LaneProblem[]): void {
  const path = ["triggers", index, "cameras"];
  const exposures = group.cameras.flatMap(({ camera, delayMs }, n) => {
    const source = cameras.find(({ id }) => id === camera)?.source;
    if (source?.kind !== "gige") return [];
    if (source.exposureUs !== undefined) return [{ camera, n, from: delayMs, to: delayMs + source.exposureUs / 1000 }];
    const text = `camera ${camera} needs exposureUs: how long its flash lasts must be known for \`exposures: apart\``;
    problems.push({ path: [...path, n, "camera"], text });
    return [];
  });
  exposures.sort((a, b) => a.from - b.from);
  for (const [i, { camera, n, from }] of exposures.entries()) {
    const before = exposures[i - 1];
    if (before === undefined || from >= before.to) continue;
    const text = `found ${from}: ${camera} would expose while ${before.camera} does, from ${before.from} to ${before.to} ms`;
    problems.push({ path: [...path, n, "delayMs"], text });
  }
}
