import { existsSync } from "node:fs";

/** Device files of NVIDIA's drivers: cards, and the GPUs inside Jetson chips. */
const DEVICE_FILES = ["/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu/igpu0"];

/** Whether this machine has an NVIDIA GPU whose driver is loaded. */
export function hasNvidiaGpu(): boolean {
  return DEVICE_FILES.some((path) => existsSync(path));
}
