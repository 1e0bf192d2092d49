import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export const withoutOpenssl: string | false =
  spawnSync("openssl", ["version"]).status === 0 ? false : "needs the package openssl (apt-get install openssl)";

/** Makes an authority `<name>-ca.pem` in the folder, and signs `<name>-<who>.pem` with its key for each `who`. */
export function makeCertificates(folder: string, name: string, whos: readonly string[]): void {
  const at = (file: string) => join(folder, `${name}-${file}`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...curve,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  );
  writeFileSync(at("san.cnf"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  for (const who of whos) {
    openssl("req", ...curve, "-keyout", at(`${who}.key`), "-out", at(`${who}.csr`), "-subj", `/CN=${who}`);
    const authority = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"];
    const made = ["-in", at(`${who}.csr`), "-out", at(`${who}.pem`), "-days", "2", "-extfile", at("san.cnf")];
    openssl("x509", "-req", ...authority, ...made);
  }
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
