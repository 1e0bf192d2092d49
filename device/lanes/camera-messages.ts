import type { LogLevel } from "../base/log.ts";
import type { Micros } from "../base/time.ts";
import type { FailedAnswer, Failure } from "../base/worker.ts";
import type { SourceCounters, SourceStatus } from "../capture/source.ts";
import type { Config, LaneConfig } from "../config/schema.ts";
import type { CropShape } from "../vision/crop.ts";
import type { Box, Mark, Sighting } from "../vision/follower.ts";
import type { Scene } from "../vision/scene.ts";
import type { SceneReport } from "../vision/trouble.ts";

/** What crosses between the main thread and a camera's thread. Crops and pictures are transferred, not copied. */

export interface CameraSetup {
  readonly camera: Config["cameras"][number];
  readonly lanes: readonly SeenLane[];
  readonly crop: CropShape;
  /** Frames whose sightings the main thread has not finished with: beyond it the thread waits and the source drops. */
  readonly credit: number;
  readonly logLevel: LogLevel;
  /** Module whose `openSource` stands in for `lanes/open-source.ts`, as a URL. */
  readonly opener?: string | undefined;
}

/** A lane as a camera sees it. */
export type SeenLane = LaneConfig & {
  /** Which of the lane's cameras it is there; the only one where absent. */
  readonly index?: number;
};

export type ToCamera =
  /** `count` frame messages are done with. */
  | { readonly kind: "credit"; readonly count: number }
  | { readonly kind: "pause"; readonly lane: string; readonly paused: boolean }
  /** Asks for a copy of the next frame; of every n-th pixel, so that it is at most so wide. */
  | { readonly kind: "snapshot"; readonly id: number; readonly maxWidthPx?: number | undefined }
  /** Asks for one exposure at that moment, or at once where it has passed. */
  | { readonly kind: "trigger"; readonly id: number; readonly at: Micros }
  | { readonly kind: "close" };

export type FromCamera =
  | { readonly kind: "opened"; readonly widthPx: number; readonly heightPx: number }
  | FrameDone
  /** The lane is looked at again after a pause, by a new follower: its item numbers begin anew. */
  | { readonly kind: "resumed"; readonly lane: string }
  /** The source lost its camera and tries again, or has it back. */
  | { readonly kind: "status"; readonly status: SourceStatus }
  | {
      readonly kind: "snapshot";
      readonly id: number;
      readonly exposedAt: number;
      readonly widthPx: number;
      readonly heightPx: number;
      readonly data: Uint8Array;
      /** Pixels of the frame for one of the picture, across and down. */
      readonly step: number;
      readonly marks: readonly LaneMark[];
    }
  /** When the camera was told, or why there will be no exposure. */
  | { readonly kind: "triggered"; readonly id: number; readonly at: Micros }
  | { readonly kind: "untriggered"; readonly id: number; readonly failure: Failure }
  /** The source has no more frames; what was in view has passed. */
  | { readonly kind: "ended"; readonly sightings: readonly LaneSightings[]; readonly counters: SourceCounters }
  /** Fruit that were in view pass now, with the views they have. */
  | (FailedAnswer & { readonly sightings: readonly LaneSightings[] });

/** One frame looked at on all lanes of the camera. */
export interface FrameDone {
  readonly kind: "frame";
  readonly seq: number;
  readonly exposedAt: number;
  /** Exposure to the frame being in hand. */
  readonly grabMs: number;
  /** Background, segmentation, following and cropping on all lanes. */
  readonly visionMs: number;
  readonly counters: SourceCounters;
  readonly lanes: readonly LaneSightings[];
  /** What lies behind the fruit, now and then. */
  readonly scenes: readonly LaneScene[];
  /** How lanes and the camera see, when that has changed and now and then. */
  readonly reports: readonly SightReport[];
}

/** Of one lane, or of the camera where `lane` is undefined. */
export interface SightReport extends SceneReport {
  readonly lane: string | undefined;
  /** Which of the lane's cameras it is. */
  readonly index?: number;
}

/** An item in view, in pixels of the frame. */
export interface LaneMark extends Mark {
  readonly lane: string;
}

export interface LaneScene {
  readonly lane: string;
  /** Which of the lane's cameras shows it. */
  readonly index: number;
  readonly scene: Scene;
  /** The lane's part of the frame. */
  readonly area: Box;
}

export interface LaneSightings {
  readonly lane: string;
  /** Which of the lane's cameras saw them. */
  readonly camera: number;
  readonly sightings: readonly Sighting[];
}
