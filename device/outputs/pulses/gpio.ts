import type { LibraryHandle } from "koffi";
import { loadForGood } from "../../base/ffi.ts";
import type { OutputConfig } from "../../config/outputs.ts";
import type { Driver } from "./driver.ts";

/** libgpiod 1: Debian 12, Jetson. Version 2 has another interface and another name. */
const LIBRARY = "libgpiod.so.2";
const RETRY_MS = 5000;

/** A line of a GPIO chip, through libgpiod. */
export function openGpioLine(
  { id, chip, line, activeLow }: Extract<OutputConfig, { kind: "gpio" }>,
  told: (problem: string | undefined) => void,
): Driver {
  let opened: GpioLine | undefined;
  let problem = "";
  let timer: NodeJS.Timeout | undefined;
  const open = (): void => {
    try {
      opened = new GpioLine(chip, line, activeLow, `gradeline ${id}`);
      told(undefined);
    } catch (error) {
      problem = (error as Error).message;
      told(problem);
      timer = setTimeout(open, RETRY_MS);
      timer.unref();
    }
  };
  open();
  const set = (on: boolean): void => {
    if (opened === undefined) throw new Error(problem);
    opened.set(on);
  };
  return {
    on: () => set(true),
    off: () => set(false),
    safe: async () => opened?.set(false),
    close: async () => {
      clearTimeout(timer);
      opened?.close();
    },
  };
}

class GpioLine {
  readonly #library: LibraryHandle;
  readonly #chip: unknown;
  readonly #line: unknown;
  readonly #setValue: (line: unknown, value: number) => number;
  readonly #where: string;

  /** Its first value is the safe one. @throws where the chip or the line is not there, or somebody else has it */
  constructor(chip: string, line: number, activeLow: boolean, consumer: string) {
    this.#where = `${chip} line ${line}`;
    try {
      this.#library = loadForGood(LIBRARY);
    } catch {
      throw new Error(`${LIBRARY} is not there: apt-get install libgpiod2`);
    }
    const library = this.#library;
    const found: unknown = library.func("void *gpiod_chip_open(const char *path)")(chip);
    this.#chip = found;
    if (found === null) throw new Error(`${chip} cannot be opened: is it there, and may this user use it?`);
    const taken: unknown = library.func("void *gpiod_chip_get_line(void *chip, unsigned int offset)")(found, line);
    this.#line = taken;
    const request = library.func(
      "int gpiod_line_request_output_flags(void *line, const char *consumer, int flags, int value)",
    );
    this.#setValue = library.func("int gpiod_line_set_value(void *line, int value)");
    // GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW
    if (taken === null || request(taken, consumer, activeLow ? 4 : 0, 0) !== 0) {
      this.#closeChip();
      throw new Error(`${this.#where} cannot be taken: is it there, and has nobody else got it?`);
    }
  }

  set(on: boolean): void {
    if (this.#setValue(this.#line, on ? 1 : 0) !== 0) throw new Error(`${this.#where} takes no value`);
  }

  close(): void {
    this.#library.func("void gpiod_line_release(void *line)")(this.#line);
    this.#closeChip();
  }

  #closeChip(): void {
    this.#library.func("void gpiod_chip_close(void *chip)")(this.#chip);
  }
}
