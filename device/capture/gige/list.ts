import { readdir, readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { asGradelineError } from "../../base/errors.ts";
import type { CameraSearch, FoundCamera } from "../camera-search.ts";
import { usbAdvice } from "./usb.ts";

/** The four frames that the kernel is asked to keep fit up to 1.4 megapixels in colour, or one of 5. */
const RMEM_BYTES = 16 * 1024 * 1024;
const JUMBO = 9000;

/** What the search thread tells. */
export type Found =
  | { readonly cameras: readonly FoundCamera[] }
  | { readonly message: string; readonly hint: string | undefined };

/** GigE Vision and USB3 Vision cameras that answer, their formats, and how the network should be set. Takes seconds. */
export async function listGigeCameras(): Promise<CameraSearch> {
  const advice = [...(await networkAdvice()), ...(await usbAdvice())];
  let found: Found;
  try {
    found = await search();
  } catch (error) {
    found = { message: asGradelineError(error).message, hint: undefined };
  }
  if ("cameras" in found) return { kind: "gige", cameras: found.cameras, advice };
  advice.unshift(found.hint === undefined ? found.message : `${found.message}: ${found.hint}`);
  return { kind: "gige", cameras: [], advice };
}

/** The search blocks its thread: Aravis waits for answers. */
function search(): Promise<Found> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./list-thread.ts", import.meta.url));
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the search for cameras ended by itself")));
  });
}

async function networkAdvice(): Promise<string[]> {
  const advice: string[] = [];
  const rmem = Number(await readFile("/proc/sys/net/core/rmem_max", "utf8").catch(() => Number.NaN));
  if (rmem < RMEM_BYTES) {
    advice.push(
      `net.core.rmem_max is ${rmem}, frames may lose packets: sysctl -w net.core.rmem_max=${RMEM_BYTES}, and in /etc/sysctl.d`,
    );
  }
  for (const name of await readdir("/sys/class/net").catch(() => [])) {
    const [mtu, state, device] = await Promise.all(
      ["mtu", "operstate", "device/uevent"].map((file) =>
        readFile(`/sys/class/net/${name}/${file}`, "utf8").catch(() => ""),
      ),
    );
    // Only wired interfaces of hardware: bridges and the like have no device, radio no use.
    if (device === "" || state?.trim() !== "up" || name.startsWith("wl")) continue;
    if (Number(mtu) < JUMBO) {
      advice.push(`${name} has an MTU of ${Number(mtu)}; where a camera hangs on it: ip link set ${name} mtu ${JUMBO}`);
    }
  }
  return advice;
}
