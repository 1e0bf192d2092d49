import { InvalidArgumentError } from "commander";

/** Parser of an option that is a whole number from `min` on. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`wanted a whole number from ${min}`);
    return value;
  };
}
