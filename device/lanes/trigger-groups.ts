import { GradelineError } from "../base/errors.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import { type ActionKeys, sendAction } from "../capture/gige/action.ts";
import type { Config, LaneConfig } from "../config/schema.ts";
import type { TriggerGroup } from "../config/triggers.ts";

/** Until then the order is with the threads of all cameras, which then give it at one moment. */
const LEAD_US = 12_000;

/** When a camera was told to expose. */
export interface Fired {
  readonly camera: string;
  readonly at: Micros;
}

/** Cameras by name, as far as they are triggered. */
export type Triggered = ReadonlyMap<string, { trigger(at?: Micros): Promise<Micros> }>;

export interface FireParts {
  readonly now: () => Micros;
  readonly sendAction: (keys: ActionKeys, addresses: readonly string[]) => Promise<Micros>;
}

/** The group that a lane's cameras are in; without one they make one of their own, with the delays of their entries. */
export function groupOf({ triggers }: Pick<Config, "triggers">, lane: LaneConfig): TriggerGroup {
  const names = lane.cameras.map(({ camera }) => camera);
  const found = triggers.find(({ cameras }) => cameras.some(({ camera }) => names.includes(camera)));
  if (found !== undefined) return found;
  const cameras = lane.cameras
    .filter(({ camera }, index) => names.indexOf(camera) === index)
    .map(({ camera, delayMs }) => ({ camera, delayMs }));
  return { id: lane.id, by: "software", cameras, exposures: "together", deviceKey: 1, groupKey: 1, groupMask: 1 };
}

/**
 * Lets all cameras of a group expose, each after its delay.
 *
 * @throws {GradelineError} SOURCE that names each camera that is away or takes no trigger; the others have exposed
 */
export async function fire(
  group: TriggerGroup,
  config: Pick<Config, "cameras">,
  cameras: Triggered,
  parts: FireParts = { now: nowMicros, sendAction },
): Promise<Fired[]> {
  if (group.by === "action") {
    const addresses = group.cameras.map(({ camera }) => addressOf(config, camera));
    const at = await parts.sendAction(group, addresses);
    return group.cameras.map(({ camera, delayMs }) => ({ camera, at: at + delayMs * 1000 }));
  }
  // A single camera is told at once.
  const start = parts.now() + (group.cameras.length > 1 ? LEAD_US : 0);
  const orders = await Promise.allSettled(
    group.cameras.map(async ({ camera, delayMs }) => {
      const one = cameras.get(camera);
      if (one === undefined) throw new GradelineError("SOURCE", `camera ${camera} is not open`, { retry: true });
      return { camera, at: await one.trigger(start + delayMs * 1000) };
    }),
  );
  const failed = orders.flatMap((order) => (order.status === "rejected" ? [order.reason] : []));
  if (failed.length === 1) throw failed[0];
  if (failed.length > 1) {
    const texts = failed.map((reason) => (reason instanceof Error ? reason.message : String(reason)));
    throw new GradelineError("SOURCE", texts.join("; "), { retry: true });
  }
  return orders.flatMap((order) => (order.status === "fulfilled" ? [order.value] : []));
}

function addressOf({ cameras }: Pick<Config, "cameras">, id: string): string {
  const source = cameras.find((camera) => camera.id === id)?.source;
  return (source?.kind === "gige" ? source.camera : undefined) ?? "";
}

/** Cameras under action commands know the keys and delays of their group. */
export function withActions<C extends Pick<Config, "cameras" | "triggers">>(config: C): C {
  const cameras = config.cameras.map((camera) => {
    const group = config.triggers.find(({ cameras: of }) => of.some((each) => each.camera === camera.id));
    const { source } = camera;
    if (group?.by !== "action" || source.kind !== "gige" || source.trigger === undefined) return camera;
    const { deviceKey, groupKey, groupMask } = group;
    const delayMs = group.cameras.find((each) => each.camera === camera.id)!.delayMs;
    const trigger = { ...source.trigger, delayMs, action: { deviceKey, groupKey, groupMask } };
    return { ...camera, source: { ...source, trigger } };
  });
  return { ...config, cameras };
}
