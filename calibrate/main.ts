#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { Session } from "./cli/session.ts";
import { commands } from "./commands/program.ts";

enableCompileCache();

const session = new Session(process.argv.slice(2));

/** All commands. */
export const program = commands(session.within);

// What makes the manual page out of the program reads it, and runs nothing.
if (import.meta.main) process.exitCode = await session.run(program);
