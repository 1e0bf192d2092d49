import type { Command } from "commander";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";
import { wholeNumber } from "./whole-number.ts";

interface RepeatOptions extends CommonOptions {
  readonly lane: readonly string[];
  readonly count: number;
  readonly times: number;
  readonly idle: number;
}

/** `repeat` */
export function repeatCommand(program: Command, common: Common, within: Within): void {
  common(program.command("repeat"))
    .description(
      "Measures how alike the line grades the same fruit when they go round several times, in the same order.",
    )
    .requiredOption("--lane <lane...>", "the lane, or the lanes that each see the same fruit")
    .requiredOption("--count <n>", "fruit in one round", wholeNumber(2))
    .option("--times <k>", "rounds", wholeNumber(2), 10)
    .option("--idle <seconds>", "give up when no fruit passes for so long", wholeNumber(1), 120)
    .addHelpText(
      "after",
      `
Figures:
  withinLane    chance that two rounds on one lane say the same of a fruit, with 95 % over other fruit
  betweenLanes  the same for a round on one lane and one on another; null with one lane
  sizeSdMm      standard deviation of a fruit's size from round to round
  distanceSd    the same of its distance to the nearest grade
  shifted       lanes whose rounds do not fit each other by order: a fruit was missed or taken away
  items         of each fruit: verdicts by lane and round, size, distance

Examples:
  gradeline-calibrate repeat --lane a --count 20 --times 10 --config gradeline.yaml
  gradeline-calibrate repeat --lane a b --count 20 --config gradeline.yaml --json`,
    )
    .action((options: RepeatOptions) =>
      within(options, async (context) => {
        const { lane, count, times, idle } = options;
        const wanted = { lanes: [...new Set(lane)], count, times, idleS: idle };
        const { repeatFruit } = await import("../daemon/repeat.ts");
        return repeatFruit(needConfig(context.config, "repeat"), wanted, context);
      }),
    );
}
