import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { usbAdvice } from "../../../../device/capture/gige/usb.ts";

const root = mkdtempSync(join(tmpdir(), "gradeline-usb-"));
after(() => rmSync(root, { recursive: true }));
const places = { devices: join(root, "devices"), nodes: join(root, "nodes"), memory: join(root, "usbfs_memory_mb") };

/** As /sys shows a USB device with one interface. */
function plug(device: string, bus: string, kind: readonly [string, string, string]): void {
  const files = { busnum: bus, devnum: "7", idVendor: "2676", product: "acA1920-40uc" };
  write(join(places.devices, device), files);
  const [bInterfaceClass, bInterfaceSubClass, bInterfaceProtocol] = kind;
  write(join(places.devices, `${device}:1.0`), { bInterfaceClass, bInterfaceSubClass, bInterfaceProtocol });
}

function write(folder: string, files: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`);
}

test("of what is plugged in only cameras matter, and only what keeps them from being used is told", async () => {
  assert.deepEqual(await usbAdvice(places), [], "nothing is plugged in");
  plug("1-1", "1", ["03", "01", "02"]);
  write(root, { usbfs_memory_mb: "16" });
  assert.deepEqual(await usbAdvice(places), [], "a mouse is no camera");
  plug("2-1", "2", ["ef", "05", "00"]);
  const [rights, memory, ...rest] = await usbAdvice(places);
  assert.match(rights!, /^the USB3 Vision camera acA1920-40uc may not be opened \(.*\/002\/007\): .*idVendor}=="2676"/);
  assert.match(memory!, /^usbfs_memory_mb is 16, .*: echo 128 > /);
  assert.deepEqual(rest, []);
  write(join(places.nodes, "002"), { "007": "" });
  chmodSync(join(places.nodes, "002", "007"), 0o660);
  write(root, { usbfs_memory_mb: "256" });
  assert.deepEqual(await usbAdvice(places), []);
});
