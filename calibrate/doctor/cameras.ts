import { existsSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { connect } from "node:net";
import type { CameraSearch } from "../../device/capture/camera-search.ts";
import { listCameras } from "../../device/capture/list.ts";
import type { Config } from "../../device/config/schema.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const MOST_FORMATS = 6;
const CONNECT_MS = 3000;
type Camera = Config["cameras"][number];

/** Cameras that are found, what stands in their way, and whether those of the configuration are among them. */
export async function checkCameras(config: Config | undefined): Promise<Finding[]> {
  const searches = await listCameras();
  const used = new Set(config?.cameras.map(({ source }) => source.kind));
  const findings: Finding[] = [];
  for (const { kind, cameras, advice } of searches) {
    for (const { name, label, formats } of cameras) {
      const shown = formats.slice(0, MOST_FORMATS).join("; ");
      const more = formats.length > MOST_FORMATS ? `; and ${formats.length - MOST_FORMATS} more` : "";
      findings.push(ok(`${kind}: ${name} (${label})${shown === "" ? "" : `: ${shown}${more}`}`));
    }
    if (cameras.length === 0) findings.push(ok(`${kind}: no camera found`));
    // What a kind of camera needs that is neither here nor configured is good to know, no more.
    const matters = cameras.length > 0 || used.has(kind);
    if (matters || config === undefined) findings.push(...advice.map((text) => advised(text, matters)));
  }
  for (const camera of config?.cameras ?? []) {
    findings.push(await checkConfigured(camera, searches));
    const todo = drifting(camera.source);
    if (todo !== undefined) {
      const text = `camera ${camera.id}: its white balance is automatic, grades may drift with what lies on the belt`;
      findings.push(warning(text, todo));
    }
  }
  return findings;
}

/** Advice is written as `what is wrong: what to do`. */
function advised(advice: string, matters: boolean): Finding {
  const [text = advice, ...todo] = advice.split(/: (.*)/s);
  return { level: matters ? "warning" : "ok", text, todo: todo[0] };
}

/** The name of today's kernels, and the one before Linux 5.14. */
const WHITE_BALANCE_CONTROLS = ["white_balance_automatic", "white_balance_temperature_auto"];

/** What keeps the colours of a camera where they are; undefined where they are kept, or set at the camera itself. */
function drifting(source: Camera["source"]): string | undefined {
  switch (source.kind) {
    case "libcamera":
      if (source.awbGains !== undefined || (source.awb ?? "auto") !== "auto") return undefined;
      return "set awbGains of the camera, or a fixed awb";
    case "gst":
      if (source.preset === "csi" && (source.whiteBalanceMode ?? "auto") === "auto")
        return "set whiteBalanceMode of the camera";
      if (source.preset === "usb" && !WHITE_BALANCE_CONTROLS.some((name) => source.controls?.[name] === 0))
        return "set controls: { white_balance_automatic: 0 } of the camera, where v4l2-ctl --list-ctrls has it";
      return undefined;
    case "gige":
      if ((source.features.BalanceWhiteAuto ?? "Off") === "Off") return undefined;
      return "take BalanceWhiteAuto out of the camera's features";
    default:
      return undefined;
  }
}

async function checkConfigured({ id, source }: Camera, searches: readonly CameraSearch[]): Promise<Finding> {
  const found = searches.find(({ kind }) => kind === source.kind)?.cameras ?? [];
  switch (source.kind) {
    case "line":
      return ok(`camera ${id}: simulated`);
    case "replay":
      if (existsSync(source.path)) return ok(`camera ${id}: plays ${source.path}`);
      return problem(`camera ${id}: there is no folder ${source.path}`, "name one with images or a recording");
    case "gige": {
      const { camera } = source;
      const there = found.some(({ name, label }) => camera === undefined || `${name}, ${label}`.includes(camera));
      if (there) return ok(`camera ${id}: ${camera ?? "any"} is there`);
      const seen = found.map(({ name }) => name).join(", ") || "none";
      return problem(
        `camera ${id}: ${camera ?? "none"} does not answer, found: ${seen}`,
        "check power, cable, address",
      );
    }
    case "libcamera":
      if (found.length > source.camera) return ok(`camera ${id}: number ${source.camera} is there`);
      return problem(
        `camera ${id}: number ${source.camera} is not there`,
        "rpicam-hello --list-cameras; check the cable",
      );
    case "gst":
      return checkGst(id, source);
  }
}

async function checkGst(id: string, source: Extract<Camera["source"], { kind: "gst" }>): Promise<Finding> {
  if (source.preset === "usb") {
    const device = source.device ?? "/dev/video0";
    if (!existsSync(device))
      return problem(`camera ${id}: ${device} is not there`, "ls /dev/v4l/by-id; check the cable");
    const allowed = await access(device, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    if (allowed) return ok(`camera ${id}: ${device} is there`);
    return problem(`camera ${id}: ${device} may not be opened`, "add the service's user to the group video");
  }
  if (source.preset === "rtsp" && source.url !== undefined) {
    const { hostname, port, protocol } = new URL(source.url);
    const failure = await reach(hostname, Number(port || (protocol === "rtsps:" ? 322 : 554)));
    if (failure === undefined) return ok(`camera ${id}: ${hostname} answers`);
    return problem(`camera ${id}: ${hostname} does not answer (${failure})`, "check power, cable, address and port");
  }
  return ok(`camera ${id}: ${source.preset ?? "own pipeline"}, not tried here`);
}

/** @returns why it cannot be reached */
function reach(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[(.*)\]$/, "$1"), port, timeout: CONNECT_MS });
    const end = (why: string | undefined): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once("connect", () => end(undefined));
    socket.once("timeout", () => end(`no answer within ${CONNECT_MS / 1000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
