import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const HEAD = `gradeline itself: MIT, the text is at the end of this file. Below is everything else that is inside the package, each
with its licence as its author wrote it.

libvips and what it is linked with (@img/sharp-libvips-*) are under the LGPL 3: a shared library in a file of its own,
/usr/lib/gradeline/package/node_modules/@img/sharp-libvips-*/lib, which you may replace by one of yours. Its source is at
https://github.com/libvips/libvips, and the build at https://github.com/lovell/sharp-libvips. The text of the licence is
in /usr/share/common-licenses/LGPL-3 and GPL-3.

The shipped model: see /usr/lib/gradeline/package/models/README.md; its trunk is EfficientNet-Lite0's as published, Apache
2.0, the text is in /usr/lib/gradeline/package/models/LICENSE-trunk-Apache-2.0.txt.
`;

/** Writes `copyright`: name, version and licence of every module, with its text where the module has one. */
export function writeLicences(modules: string, folder: string): void {
  const parts = [HEAD];
  for (const path of globSync(["*/package.json", "@*/*/package.json", "**/node_modules/{*,@*/*}/package.json"], {
    cwd: modules,
  }).sort()) {
    const { name, version, license, author } = JSON.parse(readFileSync(join(modules, path), "utf8")) as {
      name?: string;
      version?: string;
      license?: string | { type?: string };
      author?: string | { name?: string };
    };
    if (name === undefined || version === undefined) continue;
    const texts = globSync("{LICEN[CS]E,COPYING,NOTICE,ThirdPartyNotices,THIRD-PARTY}*", {
      cwd: join(modules, dirname(path)),
    });
    const kind = typeof license === "object" ? license.type : license;
    const by = typeof author === "object" ? author.name : author;
    parts.push(
      `${"=".repeat(80)}\n${name} ${version}: ${kind ?? "see its text"}${by === undefined ? "" : `, ${by}`}\n`,
    );
    for (const text of texts.sort()) parts.push(readFileSync(join(modules, dirname(path), text), "utf8"));
  }
  const own = readFileSync(join(modules, "../LICENSE"), "utf8");
  parts.push(`${"=".repeat(80)}\ngradeline: MIT\n`, own);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "copyright"), parts.join("\n"));
}
