/** One camera that a source can see now. */
export interface FoundCamera {
  readonly kind: "gst" | "gige" | "libcamera";
  /** What `camera`, `device` or the like of the configuration takes. */
  readonly name: string;
  /** For people: maker, model, serial number, address. */
  readonly label: string;
  /** Sizes, rates and pixel formats, one line each. */
  readonly formats: readonly string[];
}

/** What a source sees, and what stands in its way. */
export interface CameraSearch {
  readonly kind: FoundCamera["kind"];
  readonly cameras: readonly FoundCamera[];
  /** What to install or to change, each with the command where there is one. */
  readonly advice: readonly string[];
}
