import { asGradelineError, GradelineError } from "../../base/errors.ts";
import type { GigeConfig } from "../../config/camera.ts";
import type { ActionKeys } from "./action.ts";
import type { Aravis, Handle } from "./aravis.ts";
import { checkRange, Features, refused } from "./features.ts";

/** ARV_GV_STREAM_OPTION_PACKET_SOCKET_DISABLED */
const NO_PACKET_SOCKET = 1;
/** Aravis offers it for every GigE Vision camera, also where the camera's own description leaves it out. */
const PACKET_SIZE = "GevSCPSPacketSize";

/**
 * Finds and opens the camera.
 *
 * @throws {GradelineError} SOURCE, to be retried, with the cameras that were found instead
 */
export function openCamera(aravis: Aravis, name: string | undefined): Handle {
  try {
    const camera = aravis.openCamera(name ?? null);
    if (camera !== null && hasControl(aravis, camera)) return camera;
    if (camera !== null) {
      aravis.unref(camera);
      throw new GradelineError("SOURCE", "another program holds it", { retry: true });
    }
  } catch (cause) {
    throw absent(aravis, name, cause);
  }
  throw absent(aravis, name, undefined);
}

/**
 * Aravis opens a camera that another program holds too, but can neither set nor start it. The one who held it may be
 * dead: the camera gives it up after about 3 s.
 */
function hasControl(aravis: Aravis, camera: Handle): boolean {
  return aravis.isGigE(camera) === 0 || aravis.isController(aravis.device(camera)) !== 0;
}

function absent(aravis: Aravis, name: string | undefined, cause: unknown): GradelineError {
  aravis.updateDevices();
  const found = Array.from({ length: aravis.deviceCount() }, (_, index) => aravis.deviceId(index));
  const why = cause === undefined ? "" : `: ${asGradelineError(cause).message}`;
  const hint =
    found.length === 0
      ? "no camera answers: check power, cable, the interface's address and its firewall (UDP 3956)"
      : `found ${found.join(", ")}`;
  return new GradelineError("SOURCE", `camera ${name ?? "(any)"} cannot be opened${why}`, { hint, retry: true, cause });
}

/** What the camera sends after it was set up. */
export interface Picture {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Bytes of one frame as it arrives. */
  readonly payloadBytes: number;
  /** Undefined where frames are triggered or the camera does not say. */
  readonly periodUs: number | undefined;
}

/**
 * Sets the camera up as configured.
 *
 * @throws {GradelineError} SOURCE, not to be retried, where the camera does not offer what is asked
 */
export function setUp(aravis: Aravis, camera: Handle, config: GigeConfig): Picture {
  const device = aravis.device(camera);
  const features = new Features(aravis, device);
  endTriggers(features);
  setFormat(aravis, camera, features, config);
  // What a camera adapts by itself drifts with what lies on the belt; who wants it says so in `features`.
  features.setAny(["BalanceWhiteAuto"], "Off");
  if (config.ptp && !features.setAny(["PtpEnable", "GevIEEE1588"], true)) {
    throw refused("the camera has no clock by IEEE 1588", "leave `ptp` out: the clocks are compared with each frame");
  }
  for (const [name, value] of Object.entries(config.features)) features.set(name, value);
  setLight(aravis, camera, features, config);
  const periodUs = setRhythm(aravis, camera, features, config);
  if (aravis.isGigE(camera) !== 0) {
    if (!config.packetSocket) aravis.setStreamOptions(camera, NO_PACKET_SOCKET);
    if (config.packetSize === "auto") aravis.autoPacketSize(camera);
    else features.set(PACKET_SIZE, config.packetSize);
  }
  return {
    widthPx: Number(aravis.getInteger(device, "Width")),
    heightPx: Number(aravis.getInteger(device, "Height")),
    payloadBytes: aravis.payload(camera),
    periodUs,
  };
}

function setFormat(aravis: Aravis, camera: Handle, features: Features, config: GigeConfig): void {
  // Makers write RGB8 and RGB8Packed for the same.
  const offered = aravis.pixelFormats(camera);
  const wanted = [config.pixelFormat, `${config.pixelFormat}Packed`].find((name) => offered.includes(name));
  if (wanted === undefined) {
    throw refused(`pixelFormat: found ${config.pixelFormat}`, `the camera offers ${offered.join(", ")}`);
  }
  features.set("PixelFormat", wanted);
  if (config.roi === undefined) return;
  const { x, y, w, h } = config.roi;
  // Offsets bound the size and the size the offsets.
  features.setAny(["OffsetX"], 0);
  features.setAny(["OffsetY"], 0);
  features.set("Width", w);
  features.set("Height", h);
  if (x > 0 || features.has("OffsetX")) features.set("OffsetX", x);
  if (y > 0 || features.has("OffsetY")) features.set("OffsetY", y);
}

function setLight(aravis: Aravis, camera: Handle, features: Features, { exposureUs, gain }: GigeConfig): void {
  if (exposureUs !== undefined) {
    if (aravis.hasExposure(camera) === 0)
      throw refused("the camera has no exposure time to set", "leave out exposureUs");
    features.setAny(["ExposureAuto"], "Off");
    checkRange("exposureUs", exposureUs, aravis.exposureBounds(camera));
    aravis.setExposure(camera, exposureUs);
  }
  if (gain !== undefined) {
    if (aravis.hasGain(camera) === 0) throw refused("the camera has no gain to set", "leave out gain");
    features.setAny(["GainAuto"], "Off");
    checkRange("gain", gain, aravis.gainBounds(camera));
    aravis.setGain(camera, gain);
  }
}

/** A camera may remember triggers of an earlier use, each behind its selector: it would wait for them for ever. */
function endTriggers(features: Features): void {
  const selectors = features.has("TriggerSelector") ? features.offered("TriggerSelector") : [undefined];
  for (const selector of selectors) {
    try {
      if (selector !== undefined) features.set("TriggerSelector", selector);
      features.setAny(["TriggerMode"], "Off");
    } catch {
      // What cannot be switched off was not switched on either.
    }
  }
}

/** A delay of an earlier use is taken off. */
function setDelay(features: Features, delayMs: number): void {
  if (features.setAny(["TriggerDelay", "TriggerDelayAbs"], delayMs * 1000) || delayMs === 0) return;
  throw refused("the camera cannot delay its trigger", "leave out `delayMs`, or trigger it by software");
}

/** The command that it listens to. */
function setAction(features: Features, { deviceKey, groupKey, groupMask }: ActionKeys): void {
  features.set("ActionDeviceKey", deviceKey);
  features.setAny(["ActionSelector"], 1);
  features.set("ActionGroupKey", groupKey);
  features.set("ActionGroupMask", groupMask);
}

/** @returns time between frames, microseconds; undefined where triggers set it */
function setRhythm(
  aravis: Aravis,
  camera: Handle,
  features: Features,
  { trigger, fps }: GigeConfig,
): number | undefined {
  features.setAny(["AcquisitionMode"], "Continuous");
  if (trigger !== undefined) {
    features.set("TriggerSelector", trigger.selector);
    features.set("TriggerSource", trigger.source);
    if (trigger.activation !== undefined) features.set("TriggerActivation", trigger.activation);
    else features.setAny(["TriggerActivation"], "RisingEdge");
    setDelay(features, trigger.delayMs ?? 0);
    if (trigger.action !== undefined) setAction(features, trigger.action);
    features.set("TriggerMode", "On");
    return undefined;
  }
  if (fps !== undefined) {
    if (aravis.hasFrameRate(camera) === 0) throw refused("the camera has no frame rate to set", "leave out fps");
    checkRange("fps", fps, aravis.frameRateBounds(camera));
    aravis.setFrameRate(camera, fps);
  }
  if (aravis.hasFrameRate(camera) === 0) return undefined;
  const rate = aravis.frameRate(camera);
  return rate > 0 ? 1e6 / rate : undefined;
}
