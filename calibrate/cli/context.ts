import type { Command } from "commander";
import type { Scope } from "../../device/base/lifecycle.ts";
import type { Config } from "../../device/config/schema.ts";
import type { Precision } from "../../device/embed/providers.ts";

export const DEFAULT_GALLERY = "gallery";

/** What every command gets. */
export interface Context {
  readonly scope: Scope;
  readonly stop: AbortSignal;
  readonly json: boolean;
  /** Of the active recipe, where the configuration has one. */
  readonly gallery: string;
  /** Likewise. */
  readonly model: string;
  /** Of the configuration; undefined without one. */
  readonly embedder: Config["embedder"] | undefined;
  /** In place of the configuration's. */
  readonly precision: Precision | undefined;
  /** The daemon's, where it was named. */
  readonly config: Config | undefined;
}

export interface CommonOptions {
  readonly precision?: Precision;
  readonly json?: boolean;
  readonly gallery?: string;
  readonly model?: string;
  readonly config?: string;
}

/** Adds the options that all commands have. */
export type Common = (command: Command) => Command;
/**
 * Opens what the options name and runs a command in it.
 *
 * @param about `configuration`: the command is about recipes themselves, gallery and model are as the configuration says
 */
export type Within = (
  options: CommonOptions,
  command: (context: Context) => Promise<void>,
  about?: "active" | "configuration",
) => Promise<void>;
