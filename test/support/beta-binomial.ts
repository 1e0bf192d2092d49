/**
 * Central interval of the number of further items, of `trials`, beyond the rank-th smallest of n calibration scores
 * that were drawn as they are: beta-binomial with n + 1 - rank and rank.
 *
 * @param tail probability below the interval, and above it
 * @see Angelopoulos, Bates 2021, "A gentle introduction to conformal prediction", 3.2
 */
export function turnedAwayInterval(n: number, alpha: number, trials: number, tail: number): [number, number] {
  const rank = Math.ceil((n + 1) * (1 - alpha));
  const beyond = n + 1 - rank;
  // Ratios of neighbours from one on; only their shares of the sum matter.
  const logs = [0];
  for (let x = 0; x < trials; x++) {
    const ratio = ((trials - x) * (x + beyond)) / ((x + 1) * (trials - x - 1 + rank));
    logs.push(logs[x]! + Math.log(ratio));
  }
  const largest = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - largest));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const quantile = (share: number): number => {
    let below = 0;
    for (const [x, weight] of weights.entries()) {
      below += weight / sum;
      if (below >= share) return x;
    }
    return trials;
  };
  return [quantile(tail), quantile(1 - tail)];
}

/**
 * How many of `trials` good items a grader may turn away that was fitted by n items for the share alpha. Either of two
 * tests turns an item away, each fitted for half of alpha: together at least what one of them does, at most what both do
 * where no item fails both. 95 % (Bonferroni for the two).
 */
export function eitherTestInterval(n: number, alpha: number, trials: number): [number, number] {
  const [least] = turnedAwayInterval(n, alpha / 2, trials, 0.025);
  const [, most] = turnedAwayInterval(n, alpha / 2, trials, 0.0125);
  return [least, Math.min(trials, 2 * most)];
}
