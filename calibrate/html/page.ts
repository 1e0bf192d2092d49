import { type Content, html, Markup } from "./markup.ts";

/*
 * One file that opens without a network, on a phone, in the dark and on paper. It has no script and may load nothing:
 * its policy says so.
 */

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5a636c; --line: #d5dae0; --paper: #fff; --card: #f5f7f9;
  --good: #00644b; --bad: #a33c00; --mark: #0060a8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #a8b1ba; --line: #3c444d; --paper: #14181c;
  --card: #1e242a; --good: #4cc9a4; --bad: #ff9a62; --mark: #6db9f7; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; }
p { margin: .3rem 0 .8rem; max-width: 46rem; }
.soft, figcaption, caption { color: var(--soft); font-size: .9rem; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .4rem 0 1rem; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 500; }
td small { color: var(--soft); }
.numbers { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; padding: 0; list-style: none; }
.numbers li { flex: 1 1 14rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; }
.numbers b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.numbers span { display: block; }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.plots figure { max-width: 23rem; }
figure { margin: 0; }
svg { max-width: 100%; height: auto; color: var(--ink); }
figure svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr)); gap: 1rem; padding: 0;
  list-style: none; }
.cards > li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem;
  break-inside: avoid; }
.cards h3 { font-size: 1rem; margin: 0 0 .5rem; }
.cards p { font-size: .9rem; margin: .5rem 0 0; }
.strip { display: flex; flex-wrap: wrap; gap: .6rem; align-items: flex-start; }
.strip figure { width: 6rem; } .strip figcaption { font-size: .8rem; line-height: 1.3; }
img { display: block; width: 6rem; height: 6rem; border-radius: .3rem; background: #767676; object-fit: contain; }
.none { width: 6rem; height: 6rem; border: 1px dashed var(--line); border-radius: .3rem; display: grid;
  place-items: center; color: var(--soft); font-size: .8rem; text-align: center; }
code { font-size: .9em; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } .scroll { overflow: visible; }
  h2 { break-after: avoid; } figure, table { break-inside: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
`;

export interface PageParts {
  readonly title: string;
  readonly body: Content;
  /** Further rules of style; ours, never other people's words. */
  readonly style?: string;
}

/** A whole document. */
export function page({ title, body, style = "" }: PageParts): string {
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="gradeline-calibrate">
<title>${title}</title>
<style>${new Markup(STYLE + style)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`.text;
}
