import type { CameraSearch } from "./camera-search.ts";
import { listGigeCameras } from "./gige/list.ts";
import { listGstCameras } from "./gst/list.ts";
import { listLibcameraCameras } from "./libcamera/list.ts";

/** What each kind of camera source sees on this board, and what to install or change for it. Never throws. */
export async function listCameras(): Promise<CameraSearch[]> {
  return Promise.all([listGigeCameras(), listGstCameras(), listLibcameraCameras()]);
}
