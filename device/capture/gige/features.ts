import { GradelineError } from "../../base/errors.ts";
import type { Aravis, Bounds, Handle } from "./aravis.ts";

export type FeatureValue = number | boolean | string;

/** The settings of one camera by their GenICam names, each checked against what the camera offers. */
export class Features {
  readonly #aravis: Aravis;
  readonly #device: Handle;

  constructor(aravis: Aravis, device: Handle) {
    this.#aravis = aravis;
    this.#device = device;
  }

  has(name: string): boolean {
    return this.#aravis.feature(this.#device, name) !== null && this.#aravis.isAvailable(this.#device, name) !== 0;
  }

  /** What an enumeration offers now. */
  offered(name: string): string[] {
    return this.#aravis.enumerationValues(this.#device, name);
  }

  /** Sets the first of several names that this camera has: makers differ. @returns whether there was one */
  setAny(names: readonly string[], value: FeatureValue): boolean {
    const name = names.find((candidate) => this.has(candidate));
    if (name === undefined) return false;
    this.set(name, value);
    return true;
  }

  /**
   * Sets one setting; a command is run where the value is true.
   *
   * @throws {GradelineError} SOURCE, not to be retried, with what the camera offers instead
   */
  set(name: string, value: FeatureValue): void {
    const node = this.#aravis.feature(this.#device, name);
    if (node === null) throw refused(`the camera has no setting ${name}`, this.#offer(name));
    const type = this.#aravis.nodeType(node);
    if (type === undefined || type === "category") {
      throw refused(`${name} of the camera cannot be set`, this.#offer(name));
    }
    if (this.#aravis.isAvailable(this.#device, name) === 0) {
      throw refused(
        `${name} is not available as the camera is set now`,
        "another setting switches it on, see its manual",
      );
    }
    switch (type) {
      case "enumeration":
        this.#setEnumeration(name, value);
        break;
      case "boolean":
        if (typeof value !== "boolean") throw refused(`${name}: found ${value}`, "it takes true or false");
        this.#aravis.setBoolean(this.#device, name, value ? 1 : 0);
        break;
      case "command":
        if (typeof value !== "boolean") throw refused(`${name}: found ${value}`, "a command takes true, and is run");
        if (value) this.#aravis.execute(this.#device, name);
        break;
      case "integer":
        this.#setInteger(name, value);
        break;
      case "float":
        checkRange(name, value, this.#aravis.floatBounds(this.#device, name));
        this.#aravis.setFloat(this.#device, name, value);
        break;
      case "string":
        if (typeof value !== "string") throw refused(`${name}: found ${value}`, "it takes text");
        this.#aravis.setString(this.#device, name, value);
        break;
    }
  }

  /** Names of all settings the camera has, in its own order. */
  names(): string[] {
    const names: string[] = [];
    const visit = (name: string, depth: number): void => {
      const node = this.#aravis.feature(this.#device, name);
      if (node === null) return;
      if (this.#aravis.nodeType(node) !== "category") names.push(name);
      else if (depth < 16) for (const inner of this.#aravis.categoryFeatures(node)) visit(inner, depth + 1);
    };
    visit("Root", 0);
    return [...new Set(names)];
  }

  #setEnumeration(name: string, value: FeatureValue): void {
    const offered = this.offered(name);
    if (typeof value !== "string" || !offered.includes(value)) {
      throw refused(`${name}: found ${value}`, `the camera offers ${offered.join(", ")}`);
    }
    this.#aravis.setString(this.#device, name, value);
  }

  #setInteger(name: string, value: FeatureValue): void {
    const bounds = this.#aravis.integerBounds(this.#device, name);
    checkRange(name, value, bounds);
    const step = Number(this.#aravis.integerStep(this.#device, name));
    if (!Number.isInteger(value) || (step > 1 && (value - bounds.min) % step !== 0)) {
      throw refused(
        `${name}: found ${value}`,
        `it takes ${bounds.min} to ${bounds.max} in steps of ${Math.max(1, step)}`,
      );
    }
    this.#aravis.setInteger(this.#device, name, value);
  }

  /** The names nearest to the one asked for come first; a camera may have hundreds. */
  #offer(wanted: string): string {
    const names = this.names();
    const shown = names
      .map((name) => [name, likeness(name.toLowerCase(), wanted.toLowerCase())] as const)
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, 40)
      .map(([name]) => name);
    const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
    return `it has ${shown.join(", ")}${more}`;
  }
}

/**
 * @throws {GradelineError} SOURCE with the range
 */
export function checkRange(name: string, value: FeatureValue, { min, max }: Bounds): asserts value is number {
  if (typeof value === "number" && value >= min && value <= max) return;
  throw refused(`${name}: found ${value}`, `the camera takes ${min} to ${max}`);
}

export function refused(message: string, hint: string): GradelineError {
  return new GradelineError("SOURCE", message, { hint, retry: false });
}

/** Share of the pairs of letters that two names have in common (Dice). */
function likeness(a: string, b: string): number {
  const pairs = new Set(Array.from({ length: Math.max(0, a.length - 1) }, (_, i) => a.slice(i, i + 2)));
  let common = 0;
  for (let i = 0; i + 1 < b.length; i++) if (pairs.has(b.slice(i, i + 2))) common++;
  return (2 * common) / Math.max(1, a.length + b.length - 2);
}
