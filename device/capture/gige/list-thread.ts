import { parentPort } from "node:worker_threads";
import { asGradelineError } from "../../base/errors.ts";
import type { FoundCamera } from "../camera-search.ts";
import { type Aravis, loadAravis } from "./aravis.ts";
import type { Found } from "./list.ts";

/** Lists cameras, and reads the features of each camera that is free. */
function search(): Found {
  try {
    const aravis = loadAravis();
    aravis.updateDevices();
    return { cameras: Array.from({ length: aravis.deviceCount() }, (_, index) => describe(aravis, index)) };
  } catch (error) {
    const { message, hint } = asGradelineError(error);
    return { message, hint };
  }
}

function describe(aravis: Aravis, index: number): FoundCamera {
  const texts = [aravis.deviceVendor, aravis.deviceModel, aravis.deviceSerial, aravis.deviceAddress];
  const label = texts.map((text) => text(index)).filter((text) => text !== null && text !== "");
  const name = aravis.deviceId(index) ?? "";
  return {
    kind: "gige",
    name,
    label: [...label, aravis.deviceProtocol(index)].join(", "),
    formats: formats(aravis, name),
  };
}

function formats(aravis: Aravis, name: string): string[] {
  try {
    const camera = aravis.openCamera(name);
    if (camera === null) return [];
    const device = aravis.device(camera);
    const width = aravis.integerBounds(device, "Width");
    const height = aravis.integerBounds(device, "Height");
    const lines = [`up to ${width.max}x${height.max}`, aravis.pixelFormats(camera).join(", ")];
    if (aravis.hasFrameRate(camera) !== 0) {
      const { min, max } = aravis.frameRateBounds(camera);
      lines.push(`${min.toPrecision(3)} to ${max.toPrecision(3)} fps`);
    }
    aravis.unref(camera);
    return lines;
  } catch (error) {
    return [`not to be asked: ${asGradelineError(error).message}`];
  }
}

parentPort!.postMessage(search());
