import type { ReasonCode } from "../../../device/contract/reasons.ts";

/** Where a reason is caused on purpose. */
export type Cause =
  /** By a scene beside this, read by mosquitto_sub. */
  | { readonly scene: "cameras" | "bare" }
  /** By another attack, read by mosquitto_sub as well. */
  | { readonly attack: "acl" | "connack" | "set-clock" | "full-disk" }
  /** By a test, in the test's own process. */
  | { readonly test: string };

const CAMERAS = { scene: "cameras" } as const;
const BARE = { scene: "bare" } as const;

/** Every code has its cause: one without does not compile. */
export const causes: Readonly<Record<ReasonCode, Cause>> = {
  "no-camera": BARE,
  "camera-away": CAMERAS,
  "camera-silent": CAMERAS,
  "camera-clock": { test: "test/device/lanes/join/belt-join.test.ts" },
  "camera-place": { test: "test/device/lanes/join/belt-join.test.ts" },
  "camera-lane": { test: "test/device/lanes/join/belt-join.test.ts" },
  "camera-turned": { test: "test/device/lanes/cameras-line.test.ts" },
  "camera-blind": { test: "test/device/lanes/join/belt-join.test.ts" },
  "frames-dropped": CAMERAS,
  "views-waiting": { test: "test/device/station/measured.test.ts" },
  "verdicts-late": { test: "test/device/station/measured.test.ts" },
  "fruit-size": CAMERAS,
  "belt-direction": CAMERAS,
  "belt-speed": CAMERAS,
  blind: CAMERAS,
  dark: CAMERAS,
  flicker: CAMERAS,
  shadows: { test: "test/device/vision/follow.test.ts" },
  torn: CAMERAS,
  "frame-size": CAMERAS,
  "frame-times": CAMERAS,
  "frame-rate": CAMERAS,
  frozen: CAMERAS,
  embedding: { test: "test/device/lanes/lane.test.ts" },
  provider: { test: "test/device/embed/proof.test.ts" },
  untaught: BARE,
  calibration: { test: "test/device/gallery/calibration.test.ts" },
  drift: { test: "test/device/teach/drift/lane-drift.test.ts" },
  "queue-disk": { test: "test/device/teach/queue.test.ts" },
  "outlet-closed": { test: "test/device/lanes/lane.test.ts" },
  modbus: { test: "test/device/outputs/modbus.test.ts" },
  "modbus-overrun": { test: "test/device/outputs/modbus.test.ts" },
  postgres: { test: "test/device/sinks/postgres.test.ts" },
  outputs: { test: "test/device/outputs/pulses.test.ts" },
  "lots-disk": { test: "test/device/lots/lot-book.test.ts" },
  "journal-disk": { attack: "full-disk" },
  "journal-damaged": CAMERAS,
  "file-damaged": CAMERAS,
  clock: { attack: "set-clock" },
  "topic-refused": { attack: "acl" },
  "broker-away": { test: "test/device/publish/feed.test.ts" },
  "requests-refused": { attack: "connack" },
  "verdicts-swallowed": { attack: "acl" },
  unverified: { attack: "acl" },
  "broker-drops": { test: "test/device/publish/link.test.ts" },
  "not-retained": { attack: "connack" },
  "no-code": CAMERAS,
  paused: CAMERAS,
  offline: CAMERAS,
};
