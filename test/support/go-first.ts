import { setPriority } from "node:os";

/**
 * Puts this process, and what it starts from now on, before the other work of a busy machine, where that is permitted:
 * the board of a line has nothing else to do.
 */
export function goFirst(): void {
  try {
    setPriority(-10);
  } catch {
    // Then it may be late.
  }
}
