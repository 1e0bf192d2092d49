import { type Closable, Scope } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { Reason } from "../contract/reasons.ts";
import type { DecidedItem, Judge } from "../recipes/decided-item.ts";
import type { CropShape } from "../vision/crop.ts";
import { Camera } from "./camera.ts";
import type { LaneSightings } from "./camera-messages.ts";
import { Flows, startTogether } from "./flows.ts";

/** What is told of lanes whose verdicts go nowhere. */
export interface FruitListener {
  /** A fruit has passed all cameras of its lane; its crops are all of its views. */
  fruit(item: DecidedItem): void;
  /** A frame has been looked at; its camera goes on when this resolves. */
  room(): Promise<void>;
  /** A camera's state has changed. */
  changed(): void;
  /** Who judges the fruit; nobody where absent. */
  judge?(): Judge;
  /** What each camera's followers saw, before it is put together. */
  sighted?(lanes: readonly LaneSightings[]): void;
}

/** Where nothing is compared, nothing is embedded. */
const BLIND: Judge = {
  dimension: 0,
  by: { recipe: null, modelHash: "", galleryHash: "" },
  embed: () => Promise.resolve(new Float32Array(0)),
  grade: () => ({ outcome: "unknown", grade: null, margin: null, grades: [] }),
  begun: () => {},
  done: () => {},
};

/** Cameras and lanes at work to see what passes: for enrolling fruit as the line would see them. */
export class FruitWatch implements Closable {
  readonly cameras: Camera[] = [];
  readonly #scope = new Scope();
  #flows: Flows | undefined;

  /**
   * @param opener URL of a module whose `openSource` opens the cameras' sources
   * @throws {GradelineError} what opening a camera throws
   */
  static async open(
    config: Pick<Config, "cameras" | "lanes">,
    crop: CropShape,
    listener: FruitListener,
    log: Log,
    opener?: string,
  ): Promise<FruitWatch> {
    const watch = new FruitWatch();
    const { cameras, lanes } = startTogether(config);
    const flows = new Flows({ cameras, lanes }, () => ({
      run: "",
      judge: () => listener.judge?.() ?? BLIND,
      decided: async (item) => listener.fruit(item),
      embedFailed: () => {},
    }));
    watch.#flows = watch.#scope.add(flows);
    const hears = {
      frame: async (...seen: Parameters<Flows["frame"]>) => {
        listener.sighted?.(seen[1].lanes);
        await flows.frame(...seen);
        await listener.room();
      },
      rest: (...rest: Parameters<Flows["rest"]>) => {
        listener.sighted?.(rest[1]);
        return flows.rest(...rest);
      },
      restarted: (camera: Camera, lane?: string) => flows.restarted(camera, lane),
      changed: (camera: Camera) => {
        flows.changed(camera);
        listener.changed();
      },
    };
    const opened = await Promise.allSettled(
      cameras.map((camera) => Camera.open({ camera, lanes: flows.seenBy(camera.id), crop, opener }, hears, log)),
    );
    for (const result of opened) {
      if (result.status === "fulfilled") watch.cameras.push(watch.#scope.add(result.value));
    }
    for (const result of opened) {
      if (result.status === "fulfilled") continue;
      await watch.close();
      throw result.reason;
    }
    return watch;
  }

  /** What the fruit say of the cameras of their lanes. */
  reasons(): Iterable<Reason> {
    return this.#flows?.reasons() ?? [];
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  private constructor() {}
}
