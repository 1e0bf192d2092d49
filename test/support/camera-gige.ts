import { spawn, spawnSync } from "node:child_process";
import type { GradelineError } from "../../device/base/errors.ts";
import type { Log } from "../../device/base/log.ts";
import { openGige } from "../../device/capture/gige/open-gige.ts";
import type { LiveSource } from "../../device/capture/live/live-source.ts";
import { gigeSchema } from "../../device/config/camera.ts";
import { hasProgram, libyuvNeed, Peer } from "./camera-peers.ts";

/** The fake camera of Aravis: real GVCP and GVSP, in its own process. */
export const FAKE_GIGE = "arv-fake-gv-camera-0.8";
export const gigeNeeds = [{ have: hasProgram(FAKE_GIGE), debian: "aravis-tools" }, libyuvNeed];
/** Where it listens; one per network namespace. */
export const GIGE_ADDRESS = "127.0.0.1";
/**
 * What a network with jumbo frames takes: a fifth of the packets, and of the work, of the camera's own 1400. A little
 * more, and the kernel would keep each in 16 KiB.
 */
export const JUMBO_PACKET = 7400;
/** Loopback's packets do not reach a packet socket. */
const LOOPBACK = { kind: "gige", camera: GIGE_ADDRESS, packetSocket: false } as const;

/** Starts the fake camera; it does not say when it is ready, see {@link openGigeWhenFree}. */
export function startFakeGige(...options: string[]): Peer {
  return new Peer(spawn(FAKE_GIGE, ["-i", GIGE_ADDRESS, ...options], { stdio: "ignore" }));
}

/**
 * Opens the camera on loopback, or what `config` says otherwise, as the daemon does: a camera that is not ready yet, or
 * that still holds a dead client's place for some seconds, is tried again.
 */
export async function openGigeWhenFree(config: object = {}, log?: Log): Promise<LiveSource> {
  const parsed = gigeSchema.parse({ ...LOOPBACK, ...config });
  for (;;) {
    try {
      return await openGige(parsed, log);
    } catch (error) {
      if (!(error as GradelineError).retry) throw error;
    }
  }
}

/**
 * What the camera answers another client, in a process of its own, that asks for these settings by their GenICam names.
 *
 * @param names in order; `NAME=VALUE` first selects, as TriggerSelector=FrameStart
 */
export function readGigeFeatures(...names: string[]): Record<string, string> {
  const program = new URL("./camera-gige-reader.ts", import.meta.url).pathname;
  const { stdout, stderr } = spawnSync(process.execPath, [program, GIGE_ADDRESS, ...names], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string>;
}

/** The GenICam description that the camera gives of itself. */
export function readGigeDescription(): string {
  return readGigeFeatures("xml").xml!;
}
