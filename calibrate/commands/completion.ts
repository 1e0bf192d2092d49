import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "../completion/script.ts";

/** `completion` */
export function completionCommand(program: Command): void {
  program
    .command("completion")
    .description("Prints a script that has a shell complete the commands, options and files of this program.")
    .addArgument(new Argument("<shell>", "whose script").choices(SHELLS))
    .addHelpText(
      "after",
      `
The Debian package installs them. Elsewhere the shell reads one at its start. There is no --json: a script is no object.

Examples:
  gradeline-calibrate completion bash >> ~/.bash_completion
  gradeline-calibrate completion zsh > "\${fpath[1]}/_gradeline-calibrate"
  gradeline-calibrate completion fish > ~/.config/fish/completions/gradeline-calibrate.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, program));
    });
}
