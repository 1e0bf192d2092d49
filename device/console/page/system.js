import { keyed, make, say } from "./dom.js";
import * as format from "./format.js";
import { Shadow } from "./shadow.js";
import { counted, t, textOf } from "./words.js";

/** @import { BrokerStatus, CameraStatus, DriftStatus, ModelStatus, StationStatus } from "../view.ts" */
/** @import { Stage } from "../../contract/metrics.ts" */

/** @type {readonly Stage[]} */
const STAGES = ["grab", "vision", "embed", "grade", "journal", "publish", "exposure_to_ack"];
/** @type {Readonly<Record<CameraStatus["state"], string>>} */
const CAMERA = { ok: "good", reconnecting: "bad", ended: "idle" };
/** @type {Readonly<Record<BrokerStatus["state"], string>>} */
const BROKER = { connected: "good", connecting: "warn", refused: "bad", closed: "bad" };

/** What stands beside the lanes: times, cameras, model, gallery, broker. */
export class System {
  #times;
  #time;
  #cameras;
  #drift;
  #changes = make("ul.plain");
  #shadow = new Shadow();
  /** @type {Map<string, { dd: HTMLElement, sign: HTMLElement, words: HTMLElement }>} */
  #parts = new Map();

  /** @param {HTMLElement} aside */
  constructor(aside) {
    const times = make("tbody");
    const cameras = make("ul.plain");
    this.#time = section(
      t("system.time"),
      make(
        "table",
        {},
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            make("th", { scope: "col" }, t("system.ms")),
            make("th", { scope: "col" }, "p50"),
            make("th", { scope: "col" }, "p99"),
          ),
        ),
        times,
      ),
    );
    this.#drift = section(t("system.changed"), this.#changes);
    aside.append(
      this.#drift,
      this.#time,
      this.#shadow.element,
      section(t("system.cameras"), cameras),
      section(t("system.broker"), this.#list("broker", ["state", "address", "protocol", "waiting", "dropped"])),
      section(t("system.recipe"), this.#list("recipe", ["active", "since", "before"])),
      section(t("system.model"), this.#list("model", ["runs", "proof", "view", "name", "sha256"])),
      section(t("system.gallery"), this.#list("gallery", ["enrolled", "grades", "sha256"])),
      section(t("system.daemon"), this.#list("daemon", ["up", "version"])),
    );
    this.#times = keyed(times, () => make("tr"));
    this.#cameras = keyed(cameras, () => make("li"));
  }

  /** @param {StationStatus} status */
  status({ drift, latencyMs, cameras, broker, recipe, shadow, model, gallery, uptimeS, version }) {
    this.#tellDrift(drift);
    this.#shadow.status(shadow);
    this.#time.hidden = Object.keys(latencyMs).length === 0;
    this.#times(
      STAGES.filter((stage) => latencyMs[stage] !== undefined),
      (row, key) => {
        const stage = /** @type {Stage} */ (key);
        const { p50, p99 } = latencyMs[stage] ?? { p50: 0, p99: 0 };
        row.className = stage === "exposure_to_ack" ? "sum" : "";
        row.replaceChildren(
          make("th", { scope: "row" }, t(`stage.${stage}`)),
          make("td", {}, format.millis(p50)),
          make("td", {}, format.millis(p99)),
        );
      },
    );
    const byId = new Map(cameras.map((camera) => [camera.id, camera]));
    this.#cameras([...byId.keys()], (li, id) => {
      const camera = byId.get(id);
      if (camera !== undefined) showCamera(li, camera);
    });

    /** @type {(list: string, name: string, value: string, tone?: string) => void} */
    const put = (list, name, value, tone) => {
      const parts = this.#parts.get(`${list} ${name}`);
      if (parts === undefined) throw new Error(`the page has no ${list} ${name}`);
      const { dd, sign, words } = parts;
      say(words, value);
      sign.hidden = tone === undefined;
      dd.dataset.tone = tone ?? "";
    };
    const reason = broker.reason === null ? "" : `: ${broker.reason}`;
    put("broker", "state", `${t(`broker.${broker.state}`)}${reason}`, BROKER[broker.state]);
    put("broker", "address", broker.url);
    put("broker", "protocol", broker.protocol === null ? "–" : `MQTT ${broker.protocol}`);
    put("broker", "waiting", verdicts(broker.pendingVerdicts));
    put("broker", "dropped", verdicts(broker.droppedVerdicts), broker.droppedVerdicts > 0 ? "bad" : undefined);
    put("recipe", "active", nameOf(recipe.name));
    put("recipe", "since", format.day(recipe.since));
    put("recipe", "before", recipe.previous === null ? "–" : nameOf(recipe.previous));
    const { proof } = model;
    const where = [model.provider.toUpperCase(), proof.precision, proof.gpu?.name].filter((part) => part !== undefined);
    put("model", "runs", where.join(", "), proof.degraded === null ? undefined : "warn");
    put("model", "proof", proofOf(proof));
    put("model", "view", t("system.model.view.value", { ms: format.millis(proof.p50Ms) }));
    put("model", "name", `${model.name} ${model.version}`);
    put("model", "sha256", model.hash.slice(0, 16));
    put("gallery", "enrolled", counted("system.gallery.items", gallery.items, format.count(gallery.items)));
    put("gallery", "grades", gallery.grades.join(", ") || t("none"));
    put("gallery", "sha256", gallery.hash.slice(0, 16));
    put("daemon", "up", format.span(uptimeS));
    put("daemon", "version", version);
  }

  /** @param {readonly DriftStatus[]} drift */
  #tellDrift(drift) {
    this.#drift.hidden = drift.length === 0;
    const key = JSON.stringify(drift);
    if (this.#changes.dataset.key === key) return;
    this.#changes.dataset.key = key;
    this.#changes.replaceChildren(
      ...drift.map(({ lane, title, since, text }) => {
        const sign = make("span.sign", { "aria-hidden": "true" });
        const head = make("p.camera", { "data-tone": "warn" }, sign, make("b", {}, `${lane}: ${title}`));
        return make(
          "li",
          {},
          head,
          make("p.small", {}, t("system.since", { time: format.day(since) })),
          make("p.small", {}, text),
        );
      }),
    );
  }

  /**
   * @param {string} list
   * @param {readonly string[]} names
   */
  #list(list, names) {
    const dl = make("dl");
    for (const name of names) {
      const sign = make("span.sign", { "aria-hidden": "true", hidden: "" });
      const words = make("span");
      const dd = make("dd", {}, sign, words);
      this.#parts.set(`${list} ${name}`, { dd, sign, words });
      dl.append(make("div", {}, make("dt", {}, textOf(`system.${list}.${name}`) ?? name), dd));
    }
    return dl;
  }
}

/** A recipe by its name; without one model and gallery are those of the configuration. @param {string | null} name */
function nameOf(name) {
  if (name === null || name === "configuration") return t("system.recipe.none");
  return name.endsWith("+") ? t("system.recipe.taught", { name: name.slice(0, -1) }) : name;
}

/** What shows that the model runs there. @param {ModelStatus["proof"]} proof */
function proofOf({ nodes, golden, degraded }) {
  if (degraded !== null) return degraded;
  const parts =
    nodes === null
      ? []
      : Object.entries(nodes.counts).map(([name, n]) =>
          t("system.nodes", { n, provider: name.replace("ExecutionProvider", "") }),
        );
  if (golden !== null) {
    const { views: n, difference } = golden;
    const exact = difference === 0;
    parts.push(t(exact ? "system.golden.exact" : "system.golden", { n, difference: difference.toExponential(0) }));
  }
  return parts.join(", ") || t("system.no-proof");
}

/**
 * @param {string} title
 * @param {Node} content
 */
function section(title, content) {
  return make("section", {}, make("h2", {}, title), content);
}

/**
 * @param {Element} li
 * @param {CameraStatus} camera
 */
function showCamera(li, { id, state, reason, fps, frameAgeMs, dropped, incomplete }) {
  const lost = [
    dropped > 0 ? t("system.dropped", { n: format.count(dropped) }) : undefined,
    incomplete > 0 ? t("system.incomplete", { n: format.count(incomplete) }) : undefined,
  ].filter((part) => part !== undefined);
  const flow =
    frameAgeMs === null
      ? t("system.flow.none", { fps: format.rate(fps) })
      : t("system.flow", { fps: format.rate(fps), age: format.age(frameAgeMs) });
  const sign = make("span.sign", { "aria-hidden": "true" });
  const words = state === "ok" ? [] : [make("span", {}, t(`camera.${state}`))];
  li.replaceChildren(
    make("p.camera", { "data-tone": CAMERA[state] }, sign, make("b", {}, id), ...words),
    make("p.small", {}, state === "ok" ? flow : (reason ?? t("system.no-pictures"))),
    ...(lost.length === 0 ? [] : [make("p.small", {}, lost.join(", "))]),
  );
}

/** @param {number} number */
function verdicts(number) {
  return counted("system.verdicts", number, format.count(number));
}
