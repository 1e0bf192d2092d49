import { Scalar, stringify } from "yaml";
import { GradelineError } from "../../device/base/errors.ts";
import { type Answers, SIMULATED } from "./answers.ts";

/** The configuration as text, with a comment where a value wants to be measured. */
export function configurationOf(answers: Answers): string {
  const { device, broker, username, passwordFile, conveyor, speed, pitch, windows, mmPerPx, gateMm } = answers;
  const lanes = Array.from({ length: answers.lanes }, (_, index) => {
    const roi = roiOf(answers, index);
    return `  - id: ${String.fromCharCode(97 + index)}
    camera: main${roi === undefined ? "" : `\n    roi: ${flow(roi)}  # its part of the picture`}
    mmPerPx: ${mmPerPx}  # millimetres per pixel at the height of the fruit: measure a ruler in a picture
    gateMm: ${gateMm}  # from the picture's exit edge to the gate
    conveyor: ${flow(conveyor === "belt" ? { kind: "belt", speedMmPerS: speed } : { kind: "cups", pitchMm: pitch, windows, speedMmPerS: speed })}
`;
  });
  const login =
    username === undefined
      ? ""
      : `  username: ${flow(username)}\n${passwordFile === undefined ? "" : `  password: ${flow({ file: passwordFile })}\n`}`;
  return `# Written by gradeline-calibrate setup. Every key there is: /usr/share/gradeline/gradeline.example.yaml.
# After changes: gradeline --check && systemctl restart gradeline
device: ${flow(device)}  # topics begin with gradeline/${device}/
cameras:
  - id: main
    source: ${flow(sourceOf(answers))}
lanes:
${lanes.join("")}mqtt:
  url: ${flow(broker)}
${login}`;
}

/** The camera as the configuration names it. @throws {GradelineError} USAGE when it is of no known kind */
export function sourceOf({ camera, conveyor, lanes, pitch, speed, gateMm, mmPerPx }: Answers): Record<string, unknown> {
  if (camera === SIMULATED) {
    const spacing = conveyor === "cups" ? { conveyor, spacingMm: pitch } : { conveyor };
    return { kind: "line", ...spacing, lanes, mmPerPx, speedMmPerS: speed, gateMm };
  }
  const [, kind, name = ""] = /^([a-z]+):(.+)$/.exec(camera) ?? [];
  switch (kind) {
    case "gige":
      return { kind: "gige", camera: name, fps: 30 };
    case "usb":
    case "gst":
      return { kind: "gst", preset: "usb", device: name };
    case "csi":
      return { kind: "gst", preset: "csi", sensor: numberOf(camera, name) };
    case "rtsp":
      return { kind: "gst", preset: "rtsp", url: name };
    case "libcamera":
      return { kind: "libcamera", camera: numberOf(camera, name) };
    default:
      throw new GradelineError("USAGE", `--camera: found ${JSON.stringify(camera)}`, {
        hint: `wanted gige:NAME, usb:DEVICE, csi:NUMBER, rtsp:URL, libcamera:NUMBER or ${SIMULATED}`,
      });
  }
}

/** Drop-ins of the unit that a camera needs. */
export function dropInsOf({ camera }: Answers): string[] {
  if (camera.startsWith("gige:")) return ["gige.conf"];
  if (camera.startsWith("csi:")) return ["jetson.conf"];
  return [];
}

/** Rows lie one above the other, each with its share of the picture's height. */
function roiOf({ lanes, frame }: Answers, index: number): Record<string, number> | undefined {
  if (lanes === 1 || frame === undefined) return undefined;
  const h = Math.floor(frame[1] / lanes);
  return { x: 0, y: h * index, w: frame[0], h };
}

function numberOf(camera: string, name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  throw new GradelineError("USAGE", `--camera ${camera}: found ${JSON.stringify(name)}, wanted a number`);
}

/** A value on one line; text is quoted where YAML would read it as something else. */
function flow(value: unknown): string {
  if (typeof value === "string") return stringify(value, { lineWidth: 0, defaultStringType: Scalar.PLAIN }).trimEnd();
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}
