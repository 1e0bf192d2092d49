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

interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly provider?: string; readonly node_index?: string };
}

/**
 * Nodes per provider in a profile of the library: those that ran, each counted once however often it ran.
 *
 * @param text JSON list of trace events
 */
export function nodesByProfile(text: string): Record<string, number> {
  const events = JSON.parse(text) as ProfileEvent[];
  const seen = new Map<string, string>();
  for (const { cat, name, args } of events) {
    if (cat !== "Node" || args?.provider === undefined || args.provider === "") continue;
    seen.set(
      `${args.node_index ?? ""} ${name ?? ""}`.replace(/_(kernel_time|fence_before|fence_after)$/, ""),
      args.provider,
    );
  }
  const counts: Record<string, number> = {};
  for (const provider of seen.values()) counts[provider] = (counts[provider] ?? 0) + 1;
  return counts;
}
