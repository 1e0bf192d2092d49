import { after, before } from "node:test";

/**
 * Opens before the tests of a file or a suite, and closes behind them, what they share. Two hooks of their own would not
 * do: where no test of the file is chosen, Node runs the second without waiting for the first, and what is opened stays.
 */
export function aroundFile(open: () => Promise<unknown>, close: () => unknown): void {
  const opened = Promise.withResolvers<void>();
  before(() => open().finally(opened.resolve));
  after(() => opened.promise.then(close));
}
