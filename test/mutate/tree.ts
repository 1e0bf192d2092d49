import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A copy of the tree in which mutations are planted; the tree itself is only read. */
export class Tree {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Copies what git knows and what it does not ignore; packages are linked to. @param folder where the copy is made */
  static copy(from: string, folder: string): Tree {
    const root = join(folder, "tree");
    const names = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: from,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const name of names.split("\0").filter((name) => name !== "" && existsSync(join(from, name)))) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      cpSync(join(from, name), join(root, name), { verbatimSymlinks: true });
    }
    symlinkSync(realpathSync(join(from, "node_modules")), join(root, "node_modules"));
    const shared = join(from, "..", "shared");
    if (existsSync(shared)) symlinkSync(realpathSync(shared), join(folder, "shared"));
    return new Tree(root);
  }

  /** Puts a text in the place of a source, whole: a test that is just starting reads the one or the other. */
  write(file: string, text: string): void {
    const path = join(this.root, file);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }

  /** @returns whether the compiler takes the tree as it is */
  compiles(): boolean {
    try {
      execFileSync("node_modules/.bin/tsc", ["--noEmit"], { cwd: this.root, stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  remove(): void {
    rmSync(dirname(this.root), { recursive: true, force: true });
  }
}
