import koffi from "koffi";
import { GradelineError } from "../../base/errors.ts";

/** Something of Aravis, by its address. */
export type Handle = bigint;

const LIBRARY = "libaravis-0.8.so.0";

const gError = koffi.struct({ domain: "uint32", code: "int", message: "const char *" });
const gList = koffi.struct({ data: "const char *", next: "void *" });

/** States of a buffer, from arvbuffer.h. */
export const BUFFER_SUCCESS = 0;
/** Some packets are missing: timeout, missing packets, wrong packet id, size mismatch. */
export const BUFFER_TORN: ReadonlySet<number> = new Set([2, 3, 4, 5]);

export type Aravis = ReturnType<typeof bind>;

/**
 * Loads Aravis.
 *
 * @throws {GradelineError} SOURCE when the library is not installed
 */
export function loadAravis(): Aravis {
  try {
    return bind();
  } catch (cause) {
    throw new GradelineError("SOURCE", `${LIBRARY} cannot be loaded`, {
      hint: "apt-get install libaravis-0.8-0",
      cause,
    });
  }
}

/**
 * Keeps the library in memory for good. A thread that ends unloads its libraries; loaded a second time, Aravis
 * would register its types anew with a GLib that still has the old ones, and crash.
 */
function pin(): void {
  const RTLD_NOW_NODELETE = 0x1002;
  for (const name of ["libc.so.6", "libdl.so.2"]) {
    try {
      koffi.load(name).func("void *dlopen(const char *name, int flags)")(LIBRARY, RTLD_NOW_NODELETE);
      return;
    } catch {
      // Before glibc 2.34 it was in the other one.
    }
  }
}

function bind() {
  pin();
  const library = openLibrary();
  return {
    ...systemCalls(library),
    ...deviceCalls(library),
    ...cameraCalls(library),
    ...streamCalls(library),
    ...featureCalls(library),
    ...nodeCalls(library),
  };
}

type Library = ReturnType<typeof openLibrary>;

function openLibrary() {
  const lib = koffi.load(LIBRARY);
  const glib = koffi.load("libglib-2.0.so.0");
  const gobject = koffi.load("libgobject-2.0.so.0");
  const freeError = glib.func("void g_error_free(void *error)");
  const free = glib.func("void g_free(void *memory)");

  /** Binds a function whose last argument is a GError, and throws the error that it reports. */
  // biome-ignore lint/suspicious/noExplicitAny: the result's type is the caller's declaration of the C function
  function checked(declaration: string): (...args: unknown[]) => any {
    const call = lib.func(declaration.replace(/\)$/, ", _Out_ void **error)"));
    return (...args) => {
      const error: [Handle | null] = [null];
      const result = call(...args, error);
      if (error[0] === null) return result;
      const { message } = koffi.decode(error[0], gError) as { message: string };
      freeError(error[0]);
      throw new GradelineError("SOURCE", message, { retry: true });
    };
  }

  /** Takes a C array of strings, and frees it. */
  function takeStrings(list: Handle | null, count: number): string[] {
    if (list === null) return [];
    const strings = koffi.decode(list, koffi.array("const char *", count)) as string[];
    free(list);
    return strings;
  }

  return { lib, glib, gobject, checked, takeStrings };
}

/** GLib and GObject. */
function systemCalls({ glib, gobject }: Library) {
  return {
    unref: gobject.func("void g_object_unref(void *object)") as (object: Handle) => void,
    setProperty: gobject.func("void g_object_set(void *object, const char *name, ...)") as (
      object: Handle,
      name: string,
      ...rest: unknown[]
    ) => void,
    realTimeUs: glib.func("int64 g_get_real_time()") as () => number,
  };
}

/** The cameras that are there. */
function deviceCalls({ lib }: Library) {
  return {
    updateDevices: lib.func("void arv_update_device_list()") as () => void,
    deviceCount: lib.func("unsigned int arv_get_n_devices()") as () => number,
    deviceId: lib.func("const char *arv_get_device_id(unsigned int index)") as (index: number) => string | null,
    deviceVendor: lib.func("const char *arv_get_device_vendor(unsigned int index)") as DeviceText,
    deviceModel: lib.func("const char *arv_get_device_model(unsigned int index)") as DeviceText,
    deviceSerial: lib.func("const char *arv_get_device_serial_nbr(unsigned int index)") as DeviceText,
    deviceAddress: lib.func("const char *arv_get_device_address(unsigned int index)") as DeviceText,
    deviceProtocol: lib.func("const char *arv_get_device_protocol(unsigned int index)") as DeviceText,
  };
}

/** One camera. */
function cameraCalls({ lib, checked, takeStrings }: Library) {
  const dupPixelFormats = checked(
    "void *arv_camera_dup_available_pixel_formats_as_strings(void *camera, _Out_ unsigned int *count)",
  );
  const bounds = (name: string): ((camera: Handle) => Bounds) => {
    const call = checked(`void ${name}(void *camera, _Out_ double *min, _Out_ double *max)`);
    return (camera) => {
      const min: [number] = [0];
      const max: [number] = [0];
      call(camera, min, max);
      return { min: min[0], max: max[0] };
    };
  };
  return {
    openCamera: checked("void *arv_camera_new(const char *name)") as (name: string | null) => Handle | null,
    device: lib.func("void *arv_camera_get_device(void *camera)") as (camera: Handle) => Handle,
    isGigE: lib.func("int arv_camera_is_gv_device(void *camera)") as (camera: Handle) => number,
    setRegion: checked("void arv_camera_set_region(void *camera, int x, int y, int w, int h)") as (
      camera: Handle,
      ...region: number[]
    ) => void,
    payload: checked("unsigned int arv_camera_get_payload(void *camera)") as (camera: Handle) => number,
    pixelFormats: (camera: Handle): string[] => {
      const count: [number] = [0];
      const list = dupPixelFormats(camera, count);
      return takeStrings(list, count[0]);
    },
    setFrameRate: checked("void arv_camera_set_frame_rate(void *camera, double fps)") as SetNumber,
    frameRate: checked("double arv_camera_get_frame_rate(void *camera)") as (camera: Handle) => number,
    frameRateBounds: bounds("arv_camera_get_frame_rate_bounds"),
    setExposure: checked("void arv_camera_set_exposure_time(void *camera, double us)") as SetNumber,
    exposureBounds: bounds("arv_camera_get_exposure_time_bounds"),
    setGain: checked("void arv_camera_set_gain(void *camera, double gain)") as SetNumber,
    gainBounds: bounds("arv_camera_get_gain_bounds"),
    hasExposure: checked("int arv_camera_is_exposure_time_available(void *camera)") as (camera: Handle) => number,
    hasGain: checked("int arv_camera_is_gain_available(void *camera)") as (camera: Handle) => number,
    hasFrameRate: checked("int arv_camera_is_frame_rate_available(void *camera)") as (camera: Handle) => number,
    autoPacketSize: checked("unsigned int arv_camera_gv_auto_packet_size(void *camera)") as (camera: Handle) => number,
    setStreamOptions: lib.func("void arv_camera_gv_set_stream_options(void *camera, int options)") as SetNumber,
    start: checked("void arv_camera_start_acquisition(void *camera)") as (camera: Handle) => void,
    stop: checked("void arv_camera_stop_acquisition(void *camera)") as (camera: Handle) => void,
    softwareTrigger: checked("void arv_camera_software_trigger(void *camera)") as (camera: Handle) => void,
    isController: lib.func("int arv_gv_device_is_controller(void *device)") as (device: Handle) => number,
  };
}

/** A stream of frames and its buffers. */
function streamCalls({ lib, checked }: Library) {
  return {
    createStream: checked("void *arv_camera_create_stream(void *camera, void *callback, void *data)") as (
      camera: Handle,
      callback: null,
      data: null,
    ) => Handle | null,
    newBuffer: lib.func("void *arv_buffer_new(size_t size, void *memory)") as (
      size: number,
      memory: Uint8Array,
    ) => Handle,
    push: lib.func("void arv_stream_push_buffer(void *stream, void *buffer)") as (
      stream: Handle,
      buffer: Handle,
    ) => void,
    pop: lib.func("void *arv_stream_timeout_pop_buffer(void *stream, uint64 us)") as (
      stream: Handle,
      us: number,
    ) => Handle | null,
    /** One of the stream's own counters. */
    streamInfo: lib.func("uint64 arv_stream_get_info_uint64_by_name(void *stream, const char *name)") as (
      stream: Handle,
      name: string,
    ) => number | bigint,
    bufferStatus: lib.func("int arv_buffer_get_status(void *buffer)") as (buffer: Handle) => number,
    frameId: lib.func("uint64 arv_buffer_get_frame_id(void *buffer)") as (buffer: Handle) => number | bigint,
    timestampNs: lib.func("uint64 arv_buffer_get_timestamp(void *buffer)") as (buffer: Handle) => number | bigint,
    systemTimeNs: lib.func("uint64 arv_buffer_get_system_timestamp(void *buffer)") as (
      buffer: Handle,
    ) => number | bigint,
    imageWidth: lib.func("int arv_buffer_get_image_width(void *buffer)") as (buffer: Handle) => number,
    imageHeight: lib.func("int arv_buffer_get_image_height(void *buffer)") as (buffer: Handle) => number,
  };
}

/** Features by their GenICam name. */
function featureCalls({ lib, checked, takeStrings }: Library) {
  const enumeration = checked(
    "void *arv_device_dup_available_enumeration_feature_values_as_strings(void *device, const char *name, _Out_ unsigned int *count)",
  );
  const featureBounds = (kind: string, type: string): ((device: Handle, name: string) => Bounds) => {
    const call = checked(
      `void arv_device_get_${kind}_feature_bounds(void *device, const char *name, _Out_ ${type} *min, _Out_ ${type} *max)`,
    );
    return (device, name) => {
      const min: [number | bigint] = [0];
      const max: [number | bigint] = [0];
      call(device, name, min, max);
      return { min: Number(min[0]), max: Number(max[0]) };
    };
  };
  return {
    feature: lib.func("void *arv_device_get_feature(void *device, const char *name)") as (
      device: Handle,
      name: string,
    ) => Handle | null,
    isAvailable: checked("int arv_device_is_feature_available(void *device, const char *name)") as (
      device: Handle,
      name: string,
    ) => number,
    setString: checked("void arv_device_set_string_feature_value(void *device, const char *name, const char *value)"),
    setInteger: checked("void arv_device_set_integer_feature_value(void *device, const char *name, int64 value)"),
    setFloat: checked("void arv_device_set_float_feature_value(void *device, const char *name, double value)"),
    setBoolean: checked("void arv_device_set_boolean_feature_value(void *device, const char *name, int value)"),
    getInteger: checked("int64 arv_device_get_integer_feature_value(void *device, const char *name)") as (
      device: Handle,
      name: string,
    ) => number,
    execute: checked("void arv_device_execute_command(void *device, const char *name)") as (
      device: Handle,
      name: string,
    ) => void,
    integerBounds: featureBounds("integer", "int64"),
    floatBounds: featureBounds("float", "double"),
    integerStep: checked("int64 arv_device_get_integer_feature_increment(void *device, const char *name)") as (
      device: Handle,
      name: string,
    ) => number,
    /** What an enumeration offers now. */
    enumerationValues: (device: Handle, name: string): string[] => {
      const count: [number] = [0];
      return takeStrings(enumeration(device, name, count), count[0]);
    },
  };
}

/** Nodes of the tree of features. */
function nodeCalls({ lib, gobject }: Library) {
  const features = lib.func("void *arv_gc_category_get_features(void *category)");
  const isA = gobject.func("int g_type_check_instance_is_a(void *instance, size_t type)");
  const types = ["enumeration", "boolean", "command", "float", "integer", "string", "category"] as const;
  const typeIds = types.map((name) => lib.func(`size_t arv_gc_${name}_get_type()`)() as number);
  return {
    nodeType: (node: Handle): (typeof types)[number] | undefined =>
      types.find((_, index) => isA(node, typeIds[index]!) !== 0),
    /** Names of what a category holds. */
    categoryFeatures: (node: Handle): string[] => {
      const names: string[] = [];
      let at = features(node) as Handle | null;
      while (at !== null) {
        const { data, next } = koffi.decode(at, gList) as { data: string; next: Handle | null };
        names.push(data);
        at = next;
      }
      return names;
    },
  };
}

type DeviceText = (index: number) => string | null;
type SetNumber = (camera: Handle, value: number) => void;

export interface Bounds {
  readonly min: number;
  readonly max: number;
}
