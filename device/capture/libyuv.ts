import koffi from "koffi";
import { GradelineError } from "../base/errors.ts";

const LIBRARY = "libyuv.so.0";

/**
 * A function of libyuv, which moves and converts pictures with whatever vectors the processor has.
 *
 * @param declaration in C
 * @throws {GradelineError} SOURCE when libyuv is not installed
 */
export function libyuv(declaration: string): (...args: unknown[]) => unknown {
  try {
    return koffi.load(LIBRARY).func(declaration);
  } catch (cause) {
    throw new GradelineError("SOURCE", `${LIBRARY} cannot be loaded, which makes RGB of the camera's frames`, {
      hint: "apt-get install libyuv0",
      cause,
    });
  }
}

/**
 * Three planes become the channels of one picture: each plane and the picture with its bytes from row to row, then
 * width and height.
 *
 * @throws {GradelineError} SOURCE when libyuv is not installed
 */
export function mergePlanes(): (...args: readonly (Uint8Array | number)[]) => unknown {
  return libyuv(
    "void MergeRGBPlane(void *r, int rs, void *g, int gs, void *b, int bs, void *rgb, int rgbs, int w, int h)",
  );
}
