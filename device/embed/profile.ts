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
