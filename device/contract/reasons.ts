/** One entry of the table of reasons. */
interface ReasonText {
  /** When the device says so. */
  readonly when: string;
  /** What to do, unless the reason itself knows better. */
  readonly hint: string;
}

/**
 * Every reason for which the device may be `degraded`, by its code. Codes never change their meaning. The reference of
 * messages is made from this table.
 */
export const reasonTable = {
  "no-camera": { when: "no camera is configured", hint: "sudo gradeline-calibrate setup" },
  "camera-away": {
    when: "a camera cannot be opened, or was lost and is tried again",
    hint: "check the camera's power, cable and address",
  },
  "camera-silent": {
    when: "a camera that runs freely gives no frame for 5 s",
    hint: "check the camera's cable and trigger",
  },
  "camera-clock": {
    when: "one of a lane's cameras gives its frames other times than the others do",
    hint: "set the cameras' clocks by PTP, or check `delayMs` of the camera and its `offsetMm`",
  },
  "camera-place": {
    when: "one of a lane's cameras stands elsewhere along the belt than the configuration says",
    hint: "check `offsetMm` and the order of `lanes[].cameras`",
  },
  "camera-lane": {
    when: "one of a lane's cameras sees other fruit than the others",
    hint: "does it see another lane? check its `region` and which camera it is",
  },
  "camera-turned": {
    when: "in the picture of one of a lane's cameras fruit move against its direction, or its cups",
    hint: "is it upside down? turn it, or set `direction` of its entry in `lanes[].cameras`",
  },
  "camera-blind": {
    when: "one of a lane's cameras sees none of the fruit that the others see",
    hint: "check its `region`, `mmPerPx` and `direction`: it may hang upside down or see another lane",
  },
  "frames-dropped": {
    when: "more than one frame in ten was overtaken by a newer one in the last minute",
    hint: "lower the camera's rate, or give the daemon more of the machine",
  },
  "views-waiting": {
    when: "views wait for the model and none has come back for 3 s",
    hint: "use a faster provider or a smaller model, or lower the camera's rate",
  },
  "verdicts-late": {
    when: "more than one verdict in fifty of the last minute came after its deadline",
    hint: "lower the camera's rate, use a faster provider, or move the gate further from the camera",
  },
  "fruit-size": {
    when: "things pass a lane, and none of them has the size of a fruit",
    hint: "check `mmPerPx` and `fruitMm` of the lane",
  },
  "belt-direction": {
    when: "fruit move against the direction that the configuration names",
    hint: "set `direction` of the lane to the way the belt runs",
  },
  "belt-speed": {
    when: "fruit move at another speed than the configuration allows",
    hint: "check `conveyor` and `mmPerPx` of the lane",
  },
  blind: {
    when: "a lane could not see its belt: fruit may have passed without a verdict",
    hint: "check the lamp, the exposure and what lies in front of the camera",
  },
  dark: { when: "a camera's pictures are too dark to see fruit in", hint: "check the lamp and the exposure" },
  flicker: {
    when: "a camera's pictures change their brightness from one to the next",
    hint: "use a lamp that does not flicker, or an exposure that is a whole number of its periods",
  },
  shadows: {
    when: "things of a fruit's size pass a lane and count as shadow",
    hint: "check the lamp and the colour of the belt",
  },
  torn: {
    when: "a large part of a camera's picture is one plain colour: its data never arrived",
    hint: "check the camera's cable, the network and the packet size",
  },
  "frame-size": { when: "a camera's frames have another size than at the start", hint: "restart the daemon" },
  "frame-times": { when: "the times of a camera's frames go back", hint: "check the camera's clock" },
  "frame-rate": { when: "a camera's frames come at another rate than before", hint: "check the camera's settings" },
  frozen: { when: "a camera sends the same picture again and again", hint: "switch the camera off and on" },
  embedding: { when: "a view could not be embedded", hint: "see the log; restart the daemon if it stays" },
  provider: { when: "the model does not run as fast as it could on this machine", hint: "see `info`, `proof`" },
  untaught: { when: "nothing is enrolled, so every fruit is unknown", hint: "enroll references" },
  calibration: { when: "the calibration does not hold any more", hint: "gradeline-calibrate fit" },
  drift: { when: "something has changed on a lane since it was learned", hint: "see `health`, `drift`" },
  "queue-disk": { when: "the disk takes no unknown items", hint: "free space on the disk" },
  "outlet-closed": {
    when: "an outlet is full or stopped; its fruit go by the next rule of `products`",
    hint: "empty it, and open it again: request `outlet`",
  },
  modbus: {
    when: "the Modbus server cannot listen; it is tried again",
    hint: "check `modbus.host` and `modbus.port`: is the port taken, or below 1024?",
  },
  "modbus-overrun": {
    when: "results were overwritten before the PLC had read them; MQTT and the journal have them",
    hint: "let the PLC poll more often, and write what it has acknowledged",
  },
  postgres: {
    when: "the PostgreSQL database takes no verdicts; they wait in the journal",
    hint: "check `postgres.url` and that the server runs",
  },
  outputs: {
    when: "an output does not take its pulses; its fruit pass the gate",
    hint: "check the output's address, cable and power",
  },
  "lots-disk": { when: "the disk takes no figures of lots", hint: "check `lots.path` and the space on the disk" },
  "journal-disk": { when: "the disk takes no verdicts", hint: "free space on the disk" },
  "journal-damaged": {
    when: "something of the journal was lost or damaged in the last minute, and mended",
    hint: "see the log, `health` and the file that was set aside; check the disk",
  },
  "file-damaged": {
    when: "a file that the device keeps was found damaged in the last minute, and set aside",
    hint: "see the log and the file that was set aside; check the disk",
  },
  clock: { when: "the clock was set, or is not synchronized", hint: "let the board set its clock by NTP or PTP" },
  "topic-refused": {
    when: "the broker does not take messages on a topic; it is left alone until the next connection",
    hint: "allow this client to publish there (ACL of the broker)",
  },
  "broker-away": {
    when: "a further broker has been away for 10 s; its verdicts wait in the journal",
    hint: "check its network, and `brokers` in the configuration",
  },
  "requests-refused": {
    when: "the broker does not let the device hear requests",
    hint: "allow this client to subscribe to `request/+` (ACL of the broker)",
  },
  "verdicts-swallowed": {
    when: "the broker acknowledges verdicts but does not pass them on; they are kept",
    hint: "allow this client to publish verdicts (ACL of the broker)",
  },
  unverified: {
    when: "over MQTT 3.1.1 it cannot be verified that verdicts are passed on: the broker does not let the device read them",
    hint: "allow this client to read its own topics, or use MQTT 5",
  },
  "broker-drops": {
    when: "the broker ended three connections in the last minute, or one for a reason that another try does not change",
    hint: "give each device its own `device` or `mqtt.clientId`; see the broker's log",
  },
  "not-retained": {
    when: "the broker retains no messages: who subscribes later does not learn the state",
    hint: "let the broker retain messages, or ask over the page",
  },
  "no-code": {
    when: "a grade has no number in `messages.gradeCodes`; its code is 0",
    hint: "add the grade to `messages.gradeCodes`",
  },
  paused: { when: "grading was paused by request", hint: "send the request `resume`" },
  offline: { when: "the broker lost the connection to the device", hint: "check the board and its network" },
} as const satisfies Readonly<Record<string, ReasonText>>;

export type ReasonCode = keyof typeof reasonTable;
export const reasonCodes = Object.keys(reasonTable) as ReasonCode[];

/** Something that keeps the device from being `online`. Two with the same code and place are the same reason. */
export interface Reason {
  readonly code: ReasonCode;
  /** What was found, in words, with the lane, camera or topic that it is about. */
  readonly message: string;
  /** What to do; that of the table where absent. */
  readonly hint?: string | undefined;
  readonly lane?: string | undefined;
  readonly camera?: string | undefined;
  readonly topic?: string | undefined;
  /** When it began, microseconds since 1970; when it was first seen where absent. */
  readonly since?: number | undefined;
}

/** Tells what is wrong now; asked about once a second, so it answers from memory. */
export type ReasonSource = () => Iterable<Reason>;

/** What to do about it. */
export function hintOf({ code, hint }: Pick<Reason, "code" | "hint">): string {
  return hint ?? reasonTable[code].hint;
}
