/** What a check found. `problem`: the daemon cannot work so; `warning`: it works, but not as well as it could. */
export interface Finding {
  readonly level: "ok" | "warning" | "problem";
  readonly text: string;
  /** What to do about it. */
  readonly todo?: string | undefined;
}

export function ok(text: string): Finding {
  return { level: "ok", text };
}

export function warning(text: string, todo?: string): Finding {
  return { level: "warning", text, todo };
}

export function problem(text: string, todo?: string): Finding {
  return { level: "problem", text, todo };
}
