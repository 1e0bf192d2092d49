import { InvalidArgumentError } from "commander";

/** Parser of an option that is a share between 0 and 1. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("wanted a share between 0 and 1, as 0.05");
  return value;
}
