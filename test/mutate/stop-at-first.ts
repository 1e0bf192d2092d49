import type { TestEvent } from "node:test/reporters";

/** A reporter that ends the process at the first test that fails: what comes after it changes nothing. */
export default async function* stopAtFirst(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== "test:fail" || event.data.todo !== undefined) continue;
    process.stdout.write(`failed: ${event.data.name}\n`, () => process.exit(1));
  }
  yield "";
}
