/** A program around `run`. Arguments: how its body ends, and how long it may take to stop, milliseconds. Says `open`, what aborted it and what was closed, as JSON lines. */
import { GradelineError } from "../../device/base/errors.ts";
import { run } from "../../device/base/run.ts";

const say = (event: string, more: object = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);

await run(
  async (scope, stop) => {
    const how = process.argv[2];
    scope.add({ close: () => void say("closed", { part: "first" }) });
    scope.add({
      close: async () => {
        say("closed", { part: "second" });
        if (how === "close") throw new GradelineError("FILE", "it does not close");
        // Until the signal that ends the process at once.
        if (how === "hangs") await new Promise((resolve) => setTimeout(resolve, 600_000));
      },
    });
    if (how === "usage" || how === "config") {
      throw new GradelineError(how === "usage" ? "USAGE" : "CONFIG", "found this", { hint: "do that" });
    }
    if (how === "fails") throw new GradelineError("MODEL", "it is torn");
    if (how === "defect") throw new TypeError("it is undefined");
    if (how === "waits" || how === "hangs") {
      const wait = setTimeout(() => {}, 600_000);
      say("open");
      await new Promise((resolve) => stop.addEventListener("abort", resolve));
      clearTimeout(wait);
      say("aborted", { reason: stop.reason });
      return 3;
    }
    return 0;
  },
  Number(process.argv[3] ?? 600_000),
);
