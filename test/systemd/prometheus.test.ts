import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { createMetrics } from "../../device/contract/metrics.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/wait.ts";

const RULES = resolve("systemd/prometheus/gradeline.rules.yml");
const DASHBOARD = "systemd/grafana/gradeline.json";
const skip: string | false = spawnSync("promtool", ["--version"]).status !== 0 && "needs apt-get install prometheus";
const run = promisify(execFile);

test("every alert is a rule that Prometheus takes, and fires when its line is in trouble, not before", {
  skip,
}, async (t) => {
  const { stdout } = await run("promtool", ["check", "rules", RULES]);
  assert.match(stdout, /SUCCESS: 8 rules found/);
  const folder = await temporaryFolder(t);
  const labels = (name: string, more = ""): string => `${name}{job="gradeline",instance="b"${more}}`;
  // Twenty minutes of a line in trouble, and of one that is well.
  const trouble = {
    [labels("up")]: "1x10 0x40",
    [labels("gradeline_frame_age_seconds", ',camera="c"')]: "0.03x10 20x40",
    [labels("gradeline_frames_total", ',camera="c"')]: "0+900x50",
    [labels("gradeline_frames_dropped_total", ',camera="c"')]: "0x10 100+100x40",
    [labels("gradeline_items_total", ',lane="a"')]: "0+300x50",
    [labels("gradeline_verdicts_late_total", ',lane="a"')]: "0x10 10+10x40",
    [labels("gradeline_verdicts_total", ',lane="a",outcome="unknown",grade=""')]: "0x10 150+150x40",
    [labels("gradeline_verdicts_total", ',lane="a",outcome="graded",grade="sound"')]: "0+300x50",
    [labels("gradeline_journal_depth")]: "3x10 5000x40",
    [labels("gradeline_journal_waiting")]: "0x10 7x40",
    [labels("gradeline_journal_lost_total")]: "0x10 4x40",
  };
  const names = [...(await readFile(RULES, "utf8")).matchAll(/alert: (\w+)/g)].map(([, name]) => name!);
  const file = join(folder, "test.json");
  const series = Object.entries(trouble).map(([name, values]) => ({ series: name, values }));
  const quiet = names.map((alertname) => ({ eval_time: "9m", alertname, exp_alerts: [] }));
  await writeFile(
    file,
    JSON.stringify({
      rule_files: [RULES],
      evaluation_interval: "30s",
      tests: [{ interval: "1m", input_series: series, alert_rule_test: quiet }],
    }),
  );
  await run("promtool", ["test", "rules", file]);
  await writeFile(
    file,
    JSON.stringify({
      rule_files: [RULES],
      evaluation_interval: "30s",
      tests: [
        {
          interval: "1m",
          input_series: series,
          promql_expr_test: names.map((alertname) => ({
            expr: `count(ALERTS{alertname="${alertname}",alertstate="firing"}) > bool 0`,
            eval_time: alertname === "GradelineVerdictsLost" ? "15m" : "45m",
            exp_samples: [{ labels: "{}", value: 1 }],
          })),
        },
      ],
    }),
  );
  await run("promtool", ["test", "rules", file]);
});

test("every query of the dashboard runs on a real Prometheus that scraped the daemon's metrics", {
  skip,
}, async (t) => {
  const metrics = createMetrics();
  t.after(() => metrics.close());
  metrics.camera("c").update({ seen: 10, dropped: 1, incomplete: 0 });
  metrics.lane("a");
  const daemon = createServer((_, response) => {
    void metrics.text().then((text) => response.setHeader("content-type", "text/plain; version=0.0.4").end(text));
  }).listen(0, "127.0.0.1");
  t.after(() => daemon.close());
  await new Promise((done) => daemon.once("listening", done));
  const folder = await temporaryFolder(t);
  const target = `127.0.0.1:${(daemon.address() as AddressInfo).port}`;
  const config = join(folder, "prometheus.yml");
  const job = { job_name: "gradeline", scrape_interval: "1s", static_configs: [{ targets: [target] }] };
  await writeFile(config, JSON.stringify({ scrape_configs: [job], rule_files: [RULES] }));
  const port = await freePort();
  const words = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const prometheus: ChildProcess = spawn("prometheus", words, { stdio: "ignore" });
  t.after(() => prometheus.kill("SIGKILL"));
  const ask = async (expr: string): Promise<unknown[] | undefined> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`;
    const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: { result: unknown[] } };
    assert.equal(answer.status, "success", `${expr}: ${answer.error}`);
    return answer.data.result;
  };
  await until("it has scraped", async () => {
    const found = await ask("gradeline_items_total").catch(() => undefined);
    return found !== undefined && found.length > 0 ? found : undefined;
  });
  const { panels } = JSON.parse(await readFile(DASHBOARD, "utf8")) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  assert.ok(panels.length >= 8);
  const known = await metrics.text();
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      await ask(expr.replaceAll("$instance", ".*"));
      for (const [name] of expr.matchAll(/\b(gradeline|process)_\w+/g)) {
        assert.ok(known.includes(name.replace(/_bucket$/, "")), `${title}: ${name} is no metric of the daemon`);
      }
    }
  }
});
