import koffi from "koffi";

/**
 * Serves the fake camera of Aravis (real GVCP and GVSP) with pictures of ours until the process ends.
 *
 * @param fill the picture, in the GenICam format whose number it is told, of the exposure at this time, microseconds since the Unix epoch, and where that differs the
 *   exact time it shows: the fake camera wakes late on a busy machine, a real one does not
 */
export function serveFakeCamera(
  address: string,
  fill: (exposedUs: number, format: number) => { picture: Uint8Array; shownUs?: number },
): void {
  const aravis = koffi.load("libaravis-0.8.so.0");
  const libc = koffi.load("libc.so.6");
  const glib = koffi.load("libglib-2.0.so.0");
  const newCamera = aravis.func("void *arv_gv_fake_camera_new(const char *interface, const char *serial)");
  const isRunning = aravis.func("int arv_gv_fake_camera_is_running(void *camera)");
  const fakeCamera = aravis.func("void *arv_gv_fake_camera_get_fake_camera(void *camera)");
  const bufferData = aravis.func("void *arv_buffer_get_data(void *buffer, void *size)");
  const setTimestamp = aravis.func("void arv_buffer_set_timestamp(void *buffer, uint64 ns)");
  const payload = aravis.func("size_t arv_fake_camera_get_payload(void *camera)");
  const realTime = glib.func("int64 g_get_real_time()");
  const memcpy = libc.func("void *memcpy(void *to, void *from, size_t bytes)");
  const Fill = koffi.proto("void Fill(void *buffer, void *data, uint32 exposureUs, uint32 gain, uint32 format)");
  const setFill = aravis.func("void arv_fake_camera_set_fill_pattern(void *camera, Fill *fill, void *data)");

  // A camera is a machine of its own: its thread, which inherits this, sends in time whatever this machine does.
  const SCHED_RR = 2;
  libc.func("int sched_setscheduler(int tid, int policy, const int *priority)")(0, SCHED_RR, [1]);
  const camera = newCamera(address, "GRADELINE");
  if (isRunning(camera) === 0) throw new Error(`no camera can be served at ${address}`);
  const inner = fakeCamera(camera);
  // Called by the camera's own thread, run on this one.
  const callback = koffi.register(
    (buffer: bigint, _data: unknown, _exposureUs: number, _gain: number, format: number) => {
      const { picture, shownUs } = fill(Number(realTime()), format);
      if (shownUs !== undefined) setTimestamp(buffer, BigInt(Math.round(shownUs)) * 1000n);
      // The buffer does not know its size before it is full.
      memcpy(bufferData(buffer, null), picture, Math.min(Number(payload(inner)), picture.length));
    },
    koffi.pointer(Fill),
  );
  setFill(inner, callback, null);
  setInterval(() => {}, 60_000);
}
