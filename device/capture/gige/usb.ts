import { constants } from "node:fs";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What the class of an interface is for a USB3 Vision camera's control. @see USB3 Vision 1.0, 3.2.3.1 */
const CLASS = "ef/05/00";
/** Frames in flight; the kernel's own bound of 16 holds two of 2 megapixels in colour. */
const MEMORY_MB = 128;

/** Where the kernel shows and offers USB devices; tests bring places of their own. */
export interface UsbPlaces {
  readonly devices: string;
  readonly nodes: string;
  readonly memory: string;
}

const KERNEL: UsbPlaces = {
  devices: "/sys/bus/usb/devices",
  nodes: "/dev/bus/usb",
  memory: "/sys/module/usbcore/parameters/usbfs_memory_mb",
};

/** What to change so that USB3 Vision cameras that are plugged in can be used; nothing where there is none. Never throws. */
export async function usbAdvice(places: UsbPlaces = KERNEL): Promise<string[]> {
  const cameras = new Set<string>();
  for (const name of await readdir(places.devices).catch(() => [])) {
    // Interfaces are named after their device: 2-1:1.0 is of 2-1.
    const [device = ""] = name.split(":");
    if (device !== name && (await classOf(join(places.devices, name))) === CLASS) cameras.add(device);
  }
  const advice: string[] = [];
  for (const device of [...cameras].sort()) {
    const read = (file: string) => text(join(places.devices, device, file));
    const [bus, number, vendor, product] = await Promise.all(["busnum", "devnum", "idVendor", "product"].map(read));
    const node = join(places.nodes, bus!.padStart(3, "0"), number!.padStart(3, "0"));
    const allowed = await access(node, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    if (allowed) continue;
    const rule = `SUBSYSTEM=="usb", ATTRS{idVendor}=="${vendor}", GROUP="video", MODE="0660"`;
    advice.push(
      `the USB3 Vision camera ${product} may not be opened (${node}): a file in /etc/udev/rules.d with ${rule}, then plug it in anew`,
    );
  }
  const memory = Number(await text(places.memory));
  if (cameras.size > 0 && memory > 0 && memory < MEMORY_MB) {
    advice.push(`usbfs_memory_mb is ${memory}, USB3 frames may come torn: echo ${MEMORY_MB} > ${places.memory}`);
  }
  return advice;
}

async function classOf(folder: string): Promise<string> {
  const files = ["bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"];
  return (await Promise.all(files.map((file) => text(join(folder, file))))).join("/");
}

async function text(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).trim();
}
