/**
 * SIGHUP asks a service to read its configuration again. The unit loads this file before all others (`--import`): until
 * somebody listens the signal would end the process. One that comes while the daemon starts waits for its end.
 *
 * A terminal that closes ends what was started in it; there the signal keeps its meaning.
 */

let asked = false;
let reload = (): void => {
  asked = true;
};

if (process.stderr.isTTY !== true) process.on("SIGHUP", () => reload());

/** Calls `work` for each SIGHUP from now on, and at once where one came before. */
export function onHangup(work: () => void): void {
  reload = work;
  if (asked) work();
  asked = false;
}
