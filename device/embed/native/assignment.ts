import koffi from "koffi";
import type { Handle, Library } from "./library.ts";

/**
 * Nodes per provider, as the library assigned them when it made the session (ONNX Runtime 1.24 or newer).
 *
 * @param session made with `session.record_ep_graph_assignment_info`
 */
export function nodesByAssignment(library: Library, session: Handle): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const subgraph of listOf(library, "Session_GetEpGraphAssignmentInfo", session)) {
    const provider = library.text("EpAssignedSubgraph_GetEpName", subgraph);
    counts[provider] = (counts[provider] ?? 0) + listOf(library, "EpAssignedSubgraph_GetNodes", subgraph).length;
  }
  return counts;
}

function listOf(
  library: Library,
  name: "Session_GetEpGraphAssignmentInfo" | "EpAssignedSubgraph_GetNodes",
  of: Handle,
): Handle[] {
  const out = new BigUint64Array(1);
  const count = new BigUint64Array(1);
  library.call(name, of, out, count);
  if (count[0] === 0n) return [];
  return [...new BigUint64Array(koffi.view(out[0], Number(count[0]) * 8))];
}
