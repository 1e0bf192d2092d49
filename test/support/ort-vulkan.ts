import { existsSync } from "node:fs";

const SOFTWARE = "/usr/lib/chromium/vk_swiftshader_icd.json";
const LOADERS = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/libvulkan.so.1`);

/**
 * A Vulkan driver that computes on the CPU, as a GPU for tests: SwiftShader, which Debian's chromium brings.
 *
 * @returns the environment that makes it the only driver, or why it cannot be had here
 */
export function softwareVulkan(): { readonly environment: Record<string, string> } | { readonly skip: string } {
  if (process.arch !== "x64") return { skip: `onnxruntime-node has no WebGPU on ${process.arch}` };
  if (!existsSync(SOFTWARE)) return { skip: "no software Vulkan driver: install the package chromium" };
  if (!LOADERS.some((path) => existsSync(path))) return { skip: "no Vulkan loader: install the package libvulkan1" };
  return { environment: { VK_ICD_FILENAMES: SOFTWARE, VK_DRIVER_FILES: SOFTWARE } };
}
