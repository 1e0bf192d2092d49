import { Alarms } from "./alarm.js";
import { CameraScreen } from "./camera-screen.js";
import { at, keyed, make, say } from "./dom.js";
import { follow } from "./feed.js";
import * as format from "./format.js";
import { ItemScreen } from "./item-screen.js";
import { Lane } from "./lane.js";
import { MapScreen } from "./map-screen.js";
import { QueueScreen } from "./queue-screen.js";
import { inWords } from "./reasons.js";
import { walk } from "./screens.js";
import { System } from "./system.js";
import { language, t } from "./words.js";

/** @import { ItemMessage, PageEvents, QueueStatus, StationStatus } from "../view.ts" */

const TONES = { online: "good", degraded: "warn", stopped: "idle", lost: "bad" };
const RELIEF_MS = 6000;

const system = new System(at("system"));
const alarms = new Alarms();
at("alarms").append(alarms.element);
at("languages").append(alarms.sound);
const item = new ItemScreen(at("item"));
const queue = new QueueScreen(at("unknown"));
const camera = new CameraScreen(at("camera"));
const map = new MapScreen(at("map"));
/** @type {Map<string, Lane>} */
const lanes = new Map();
const laneList = keyed(at("lanes"), (id) => {
  const lane = new Lane(id);
  lanes.set(id, lane);
  return lane.element;
});
const factList = keyed(at("facts"), () => make("div"));
/** @type {string | undefined} */
let page;
/** @type {Map<string, readonly ItemMessage[]>} */
let items = new Map();
/** @type {Date | undefined} */
let lostSince;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let relief;

walk({
  line: { element: at("lanes") },
  item: { element: at("item"), screen: item },
  unknown: { element: at("unknown"), screen: queue },
  map: { element: at("map"), screen: map },
  camera: { element: at("camera"), screen: camera },
});

follow({
  event: {
    snapshot: begin,
    status: show,
    item(data) {
      lanes.get(data.lane)?.add(data);
      map.item(data);
      camera.item(data);
    },
  },
  lost(why) {
    lostSince ??= new Date();
    document.body.dataset.link = "lost";
    showState("lost", t("state.lost"));
    const time = format.timeOfDay(lostSince);
    notify("bad", why === "" ? t("link.lost", { time }) : t("link.refused", { why, time }));
  },
});

for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".languages a"))) {
  if (link.lang === language) link.setAttribute("aria-current", "true");
  // Who reads an item goes on reading it.
  link.addEventListener("click", () => {
    link.hash = location.hash;
  });
}

/** The first event of every connection: what the daemon knows now takes the place of all that was shown. @param {PageEvents["snapshot"]} snapshot */
function begin(snapshot) {
  // The daemon was updated while this page was open.
  if (page !== undefined && page !== snapshot.page) location.reload();
  page = snapshot.page;
  items = new Map(Object.entries(snapshot.items));
  delete document.body.dataset.link;
  const away = lostSince;
  lostSince = undefined;
  for (const [id, lane] of lanes) lane.reset(items.get(id) ?? [], snapshot.status.gallery.grades);
  show(snapshot.status);
  if (away !== undefined) for (const screen of [item, queue, map, camera]) screen.again();
  if (away !== undefined && at("notice").hidden) {
    notify("good", t("link.back", { time: format.timeOfDay(new Date()) }));
    relief = setTimeout(() => notify("good", ""), RELIEF_MS);
  }
}

/** @param {StationStatus} status */
function show(status) {
  say(at("device"), status.device);
  showState(status.state, t(`state.${status.state}`));
  document.title = `${status.state === "online" ? "" : `${t(`state.${status.state}`)}: `}${status.device} – gradeline`;
  if (status.reasons.length > 0) notify("warn", status.causes.map(inWords).join("; "));
  else if (status.state === "stopped") notify("idle", t("link.stopped", { time: format.timeOfDay(status.since) }));
  else if (relief === undefined) notify("good", "");
  showFacts(status);
  const cameras = new Map(status.cameras.map((camera) => [camera.id, camera]));
  const byId = new Map(status.lanes.map((lane) => [lane.id, lane]));
  const before = new Set(lanes.keys());
  laneList([...byId.keys()]);
  for (const [id, lane] of lanes) {
    const now = byId.get(id);
    if (now === undefined) {
      lanes.delete(id);
      continue;
    }
    if (!before.has(id)) lane.reset(items.get(id) ?? [], status.gallery.grades);
    lane.status(now, cameras.get(now.camera), status.gallery, status.causes);
  }
  system.status(status);
  alarms.status(status.causes);
  showWaiting(status.queue);
  for (const screen of [item, queue, map, camera]) screen.status(status);
}

/** @param {QueueStatus} queue */
function showWaiting({ items: waiting }) {
  at("waiting").hidden = waiting === 0;
  say(at("waiting"), waiting === 0 ? "" : format.count(waiting));
}

/**
 * @param {keyof typeof TONES} state
 * @param {string} words
 */
function showState(state, words) {
  at("state").dataset.tone = TONES[state];
  const place = at("state").querySelector(".words");
  if (place !== null) say(place, words);
  if (state === "lost") document.title = `${t("state.lost")} – gradeline`;
}

/**
 * The line under the header; it is a live region, so it changes only with what it says.
 *
 * @param {string} tone
 * @param {string} text
 */
function notify(tone, text) {
  const notice = at("notice");
  clearTimeout(relief);
  relief = undefined;
  notice.dataset.tone = tone;
  notice.hidden = text === "";
  say(notice, text);
}

/** @param {StationStatus} status */
function showFacts({ lanes: all, latencyMs, broker }) {
  /** @param {(lane: StationStatus["lanes"][number]) => number} pick */
  const sum = (pick) => all.reduce((total, lane) => total + pick(lane), 0);
  const late = sum((lane) => lane.late);
  const delay = latencyMs.exposure_to_ack;
  /** @type {Record<string, [value: string, tone: string]>} */
  const facts = {
    [t("fact.rate")]: [format.rate(sum((lane) => lane.perMinute)), ""],
    [t("fact.items")]: [format.count(sum((lane) => lane.items)), ""],
    [t("fact.late")]: [format.count(late), late > 0 ? "bad" : ""],
    [t("fact.delay")]: [delay === undefined ? "–" : format.millis(delay.p99), ""],
    [t("fact.waiting")]: [format.count(broker.pendingVerdicts), broker.state === "connected" ? "" : "warn"],
  };
  factList(Object.keys(facts), (div, name) => {
    const [value, tone] = facts[name] ?? ["", ""];
    if (div.children.length === 0) div.append(make("dt", {}, name), make("dd"));
    div.dataset.tone = tone;
    say(div.lastElementChild ?? div, value);
  });
}
