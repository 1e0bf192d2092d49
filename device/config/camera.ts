import { z } from "zod";
import { secretSchema } from "./secret.ts";

const sizePx = z.number().int().min(16).max(16_384);
const fps = z.number().positive().max(1000);
const gain = z.number().min(0.05).max(20);

/** Gains on the three channels, fixed here so that a grade does not drift with what lies on the belt. */
const whiteBalanceSchema = z
  .strictObject({ red: gain.default(1), green: gain.default(1), blue: gain.default(1) })
  .describe("fixed gain per channel, applied to every frame; 1 leaves it as the camera gives it");

/** What every camera's reader has. */
const live = {
  delayMs: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe("known time from the middle of the exposure to the quickest arrival; taken off the time of every frame"),
  stallMs: z
    .number()
    .int()
    .min(100)
    .max(600_000)
    .optional()
    .describe("no frame for so long: the camera is started anew; 30 frame periods, at least 1000, where absent"),
  startMs: z.number().int().min(100).max(600_000).default(15_000).describe("longest wait for the first frame"),
  onEnd: z
    .enum(["restart", "end"])
    .default("restart")
    .describe("when the camera says that its stream is over: start it anew, or end as a file does"),
};

/** `name=value` pairs of V4L2 controls, as `v4l2-ctl --list-ctrls` names them. */
const controlsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.number().int())
  .describe("controls by the names of `v4l2-ctl --list-ctrls`, for instance white_balance_automatic: 0");

const presetKeys = {
  test: ["pattern"],
  usb: ["device", "encoding", "controls"],
  csi: ["sensor", "whiteBalanceMode", "exposureUs", "gain"],
  rtsp: ["url", "username", "password", "latencyMs"],
  file: ["path"],
} as const;

export const gstSchema = z
  .strictObject({
    kind: z.literal("gst"),
    preset: z
      .enum(["csi", "usb", "rtsp", "test", "file"])
      .optional()
      .describe(
        "csi: Jetson camera connector; usb: V4L2; rtsp: network camera; test: moving test picture; file: a video, at its own pace",
      ),
    pipeline: z
      .string()
      .min(1)
      .optional()
      .describe("source part of a gst-launch-1.0 pipeline instead of a preset; conversion to RGB follows by itself"),
    widthPx: sizePx.optional(),
    heightPx: sizePx.optional(),
    fps: fps.optional(),
    pattern: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/)
      .optional()
      .describe("test: pattern of videotestsrc"),
    device: z
      .string()
      .regex(/^\/dev\/[A-Za-z0-9/_.:-]+$/)
      .optional()
      .describe("usb: device file; /dev/v4l/by-id/... stays the same over a restart"),
    encoding: z.enum(["raw", "mjpeg", "bayer"]).optional().describe("usb: what the camera sends"),
    controls: controlsSchema.optional(),
    sensor: z.number().int().min(0).max(15).optional().describe("csi: number of the sensor"),
    whiteBalanceMode: z
      .enum(["off", "auto", "incandescent", "fluorescent", "warm-fluorescent", "daylight", "cloudy-daylight"])
      .optional()
      .describe("csi: a fixed mode keeps colours from drifting"),
    exposureUs: z.number().int().min(1).max(1_000_000).optional().describe("csi: fixed exposure"),
    gain: z.number().min(1).max(256).optional().describe("csi: fixed gain"),
    url: z
      .string()
      .regex(/^rtsps?:\/\/[^\s"'\\@]+$/, "rtsp://host/path, without user and password")
      .optional(),
    username: z.string().min(1).max(128).optional().describe("rtsp"),
    password: secretSchema.optional(),
    latencyMs: z.number().int().min(0).max(10_000).optional().describe("rtsp: buffer against jitter"),
    path: z.string().min(1).optional().describe("file: the video; `onEnd: end` plays it once"),
    ...live,
  })
  .superRefine((value, context) => {
    if ((value.preset === undefined) === (value.pipeline === undefined)) {
      context.addIssue({ code: "custom", message: "give either `preset` or `pipeline`" });
      return;
    }
    for (const [preset, keys] of Object.entries(presetKeys)) {
      if (preset === value.preset) continue;
      for (const key of keys) {
        if (value[key] === undefined) continue;
        context.addIssue({ code: "custom", path: [key], message: `belongs to preset \`${preset}\`` });
      }
    }
    if (value.preset === "rtsp" && value.url === undefined) {
      context.addIssue({ code: "custom", path: ["url"], message: "preset `rtsp` needs the camera's address" });
    }
    if (value.preset === "file" && value.path === undefined) {
      context.addIssue({ code: "custom", path: ["path"], message: "preset `file` needs the path of a video" });
    }
  })
  .describe("a GStreamer pipeline: camera connector, USB, network camera");

const featureSchema = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
    z.union([z.number(), z.boolean(), z.string().min(1).max(256)]),
  )
  .describe("settings by GenICam name, set in this order and checked against what the camera offers");

export const gigeSchema = z
  .strictObject({
    kind: z.literal("gige"),
    camera: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe("name, serial number or address of the camera; the first one found where absent"),
    pixelFormat: z.enum(["Mono8", "RGB8", "BayerRG8", "BayerGB8", "BayerGR8", "BayerBG8"]).default("RGB8"),
    roi: z
      .strictObject({
        x: z.number().int().min(0).default(0),
        y: z.number().int().min(0).default(0),
        w: sizePx,
        h: sizePx,
      })
      .optional()
      .describe("part of the sensor; all of it where absent"),
    fps: fps.optional().describe("frames per second where the camera runs freely"),
    exposureUs: z.number().positive().max(10_000_000).optional(),
    gain: z.number().min(0).max(1000).optional().describe("in the camera's own unit, mostly dB"),
    trigger: z
      .strictObject({
        source: z
          .string()
          .regex(/^[A-Za-z0-9_]{1,64}$/)
          .describe("`Software`, or an input such as `Line1`"),
        selector: z
          .string()
          .regex(/^[A-Za-z0-9_]{1,64}$/)
          .default("FrameStart"),
        activation: z
          .string()
          .regex(/^[A-Za-z0-9_]{1,64}$/)
          .optional()
          .describe("edge of the input, such as `FallingEdge`; RisingEdge where absent and the camera has edges"),
        delayMs: z
          .number()
          .min(0)
          .max(1000)
          .optional()
          .describe("from the trigger to the exposure, kept by the camera itself (`TriggerDelay`)"),
        action: z
          .strictObject({
            deviceKey: z.number().int().min(0).max(0xffff_ffff),
            groupKey: z.number().int().min(0).max(0xffff_ffff),
            groupMask: z.number().int().min(0).max(0xffff_ffff),
          })
          .optional()
          .describe(
            "of the action command that `source: Action1` waits for; those of its group in `triggers` where absent",
          ),
      })
      .optional()
      .describe("one frame per trigger; free running where absent"),
    packetSize: z
      .union([z.literal("auto"), z.number().int().min(576).max(16_000)])
      .default("auto")
      .describe("bytes per packet; `auto` takes the largest that arrives"),
    packetResend: z.boolean().default(true).describe("ask the camera again for packets that were lost"),
    frameRetentionMs: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe("how long a frame waits, from its last packet, for those that are missing; then it is incomplete"),
    ptp: z.boolean().default(false).describe("set the camera's clock by IEEE 1588"),
    packetSocket: z
      .boolean()
      .default(true)
      .describe("receive by a packet socket where permitted; off: plain UDP, which loopback needs"),
    features: featureSchema.default({}),
    whiteBalance: whiteBalanceSchema.optional(),
    buffers: z.number().int().min(3).max(64).default(8).describe("frames that the receiver may fill ahead"),
    ...live,
  })
  .describe("an industrial camera: GigE Vision or USB3 Vision");

export const libcameraSchema = z
  .strictObject({
    kind: z.literal("libcamera"),
    camera: z.number().int().min(0).max(15).default(0),
    widthPx: sizePx.multipleOf(2).default(1280),
    heightPx: sizePx.multipleOf(2).default(720),
    fps: fps.default(30),
    exposureUs: z.number().int().min(1).max(10_000_000).optional().describe("fixed exposure"),
    gain: z.number().min(1).max(64).optional().describe("fixed gain"),
    awb: z
      .enum(["auto", "incandescent", "tungsten", "fluorescent", "indoor", "daylight", "cloudy"])
      .optional()
      .describe("white balance mode"),
    awbGains: z
      .strictObject({ red: gain, blue: gain })
      .optional()
      .describe("fixed white balance; keeps a grade from drifting with the scene"),
    denoise: z.enum(["auto", "off", "cdn_off", "cdn_fast", "cdn_hq"]).optional(),
    hflip: z.boolean().default(false),
    vflip: z.boolean().default(false),
    ...live,
  })
  .describe("a camera on the connector of a Raspberry Pi and its like");

export type GstConfig = z.output<typeof gstSchema>;
export type GigeConfig = z.output<typeof gigeSchema>;
export type LibcameraConfig = z.output<typeof libcameraSchema>;
