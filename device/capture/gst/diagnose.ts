import { GradelineError } from "../../base/errors.ts";

/** Debian package of each element that our presets and common pipelines use. */
const PACKAGES: readonly (readonly [RegExp, string])[] = [
  [/^nv/, "nvidia-l4t-gstreamer (part of JetPack; only on a Jetson)"],
  [/^libcamera/, "gstreamer1.0-libcamera"],
  [/^aravis/, "gstreamer1.0-aravis; better use a camera of kind `gige`"],
  [/^(queue|fdsink|fdsrc|filesrc|identity|capsfilter|tee|valve|fakesrc)$/, "libgstreamer1.0-0"],
  [/^(video(testsrc|convert|scale|rate|crop)|decodebin3?|uridecodebin3?|appsrc|tcp.*)$/, "gstreamer1.0-plugins-base"],
  [
    /^(v4l2.*|rtsp(?!clientsink)src|rtp.*|udpsrc|jpeg(dec|enc)|png(dec|enc)|multifilesrc|video(flip|balance|box)|matroska.*|qtdemux|souphttpsrc)$/,
    "gstreamer1.0-plugins-good",
  ],
  [
    /^(gdp(pay|depay)|bayer2rgb|rgb2bayer|h26[45]parse|openh264dec|jpegparse|va.*|decklink.*|webrtc.*|srtsrc)$/,
    "gstreamer1.0-plugins-bad",
  ],
  [/^(x264enc|asf.*)$/, "gstreamer1.0-plugins-ugly"],
  [/^av(dec|enc|demux)_/, "gstreamer1.0-libav"],
  [/^vaapi/, "gstreamer1.0-vaapi"],
];

export function packageOf(element: string): string | undefined {
  return PACKAGES.find(([pattern]) => pattern.test(element))?.[1];
}

interface Cause {
  readonly pattern: RegExp;
  readonly hint: (found: RegExpExecArray) => string;
  /** Whether it can pass by itself: a camera may be plugged in, a server may come back, a typo stays. */
  readonly retry: boolean;
}

const CAUSES: readonly Cause[] = [
  {
    pattern: /no element "([^"]+)"/,
    hint: ([, element]) => {
      const found = packageOf(element!);
      return found === undefined
        ? `a typo, or a plug-in that is not installed: gst-inspect-1.0 ${element}`
        : `install ${found}, or mend the name`;
    },
    retry: false,
  },
  {
    pattern: /no property "([^"]+)" in element "([^"]+)"/,
    hint: ([, , element]) => `its properties: gst-inspect-1.0 ${element}`,
    retry: false,
  },
  {
    pattern: /Missing decoder: ([^(\n]+)/,
    hint: ([, what]) => `nothing installed decodes ${what!.trim()}: apt-get install gstreamer1.0-libav`,
    retry: false,
  },
  { pattern: /could not set property/, hint: () => "the value does not suit the property", retry: false },
  { pattern: /erroneous pipeline: syntax error/, hint: () => "look for a missing element beside a `!`", retry: false },
  {
    pattern: /could not link .*caps|can't handle caps|not[- ]negotiated|Internal data stream error/,
    hint: () => "the camera does not offer this size, rate or format: v4l2-ctl --list-formats-ext shows what it does",
    retry: true,
  },
  { pattern: /could not link/, hint: () => "the two elements have no format in common", retry: false },
  {
    pattern: /Device '([^']+)' is busy|(?:resource|device) busy|EBUSY/i,
    hint: () => "another program holds the camera: fuser -v /dev/video* names it",
    retry: true,
  },
  {
    pattern: /Permission denied|not authorized to access/i,
    hint: () => "let the service's user use the camera: group video for /dev/video*",
    retry: true,
  },
  {
    pattern: /Cannot identify device '([^']+)'/,
    hint: ([, device]) => `${device} is not there: check the cable; ls /dev/v4l/by-id lists cameras`,
    retry: true,
  },
  { pattern: /isn't a v4l2 driver|not a capture device/, hint: () => "this file is no camera", retry: true },
  {
    pattern: /Unauthorized|401/,
    hint: () => "user name or password is wrong",
    retry: true,
  },
  {
    pattern: /Failed to connect|Could not open resource|Could not connect|Not found \(404\)/,
    hint: () => "the camera does not answer at this address",
    retry: true,
  },
  { pattern: /No cameras available|Failed to create CaptureSession/, hint: () => CSI_HINT, retry: true },
];

const CSI_HINT = "check the ribbon cable and the sensor's device tree; sudo systemctl restart nvargus-daemon";

/**
 * Finds out from its output why gst-launch-1.0 ended.
 *
 * @param lines the last lines of its standard error
 * @param code exit code
 */
export function diagnose(lines: readonly string[], code: number): GradelineError {
  const said = lines.filter((line) => /^(ERROR|WARNING): |^system error: /.test(line));
  const first = (said[0] ?? lines.at(-1) ?? "nothing on its standard error").replace(/^(ERROR|WARNING): /, "");
  const system = said.find((line) => line.startsWith("system error: "));
  const message = `gst-launch-1.0 ended with code ${code}: ${first}${system === undefined ? "" : ` (${system})`}`;
  const text = lines.join("\n");
  for (const { pattern, hint, retry } of CAUSES) {
    const found = pattern.exec(text);
    if (found !== null) return new GradelineError("SOURCE", message, { hint: hint(found), retry });
  }
  return new GradelineError("SOURCE", message, { retry: true });
}
