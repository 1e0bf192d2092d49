import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type GdpBuffer, GdpReader, parseCaps } from "../../../../device/capture/gst/gdp.ts";
import { gstNeeds, lacking } from "../../../support/camera-peers.ts";

const skip = lacking(gstNeeds);

function read(stream: Buffer, pieces: (left: number) => number): { caps: string[]; frames: [GdpBuffer, string][] } {
  const caps: string[] = [];
  const frames: [GdpBuffer, string][] = [];
  let into = Buffer.alloc(0);
  const reader = new GdpReader({
    caps: (text) => caps.push(text),
    place: (buffer) => {
      into = Buffer.alloc(buffer.bytes);
      return into;
    },
    buffer: (buffer) => frames.push([buffer, into.toString("hex")]),
  });
  for (let at = 0; at < stream.length; ) {
    const target = reader.target();
    const bytes = Math.min(target.length, pieces(stream.length - at), stream.length - at);
    target.set(stream.subarray(at, at + bytes));
    reader.advance(bytes);
    at += bytes;
  }
  return { caps, frames };
}

test("a stream of gdppay is read alike in pieces of any size", { skip }, () => {
  const words = "videotestsrc num-buffers=3 ! video/x-raw,format=RGB,width=8,height=2,framerate=25/1 ! gdppay ! fdsink";
  const { stdout } = spawnSync("gst-launch-1.0", ["-q", ...words.split(" ")]);
  const whole = read(stdout, () => 1 << 20);
  assert.equal(whole.frames.length, 3);
  assert.deepEqual(
    whole.frames.map(([{ bytes, ptsNs, offset, corrupted }]) => [bytes, ptsNs, offset, corrupted]),
    [
      [48, 0n, 0, false],
      [48, 40_000_000n, 1, false],
      [48, 80_000_000n, 2, false],
    ],
  );
  assert.deepEqual(parseCaps(whole.caps[0]!), { widthPx: 8, heightPx: 2, strideBytes: 24, periodUs: 40_000 });
  assert.deepEqual(
    read(stdout, () => 1),
    whole,
  );
  let size = 0;
  assert.deepEqual(
    read(stdout, () => (size = (size % 13) + 1)),
    whole,
  );
});

test("bytes that are no GDP are refused at the first header", () => {
  assert.throws(() => read(Buffer.from("GST_ARGUS: Creating output stream ".repeat(4)), () => 1000), {
    code: "SOURCE",
    message: /expected GDP 1\.0 .* got 4753545f/,
  });
});

test("a header that claims a text of megabytes is refused before memory is taken", () => {
  const header = Buffer.alloc(62);
  header[0] = 1;
  header.writeUInt16BE(2, 4);
  header.writeUInt32BE(0xffff_fff0, 6);
  assert.throws(() => read(header, () => 62), { code: "SOURCE", message: /4294967280 bytes/ });
});

test("caps that are not RGB are refused with what they are", () => {
  assert.throws(() => parseCaps("video/x-raw, format=(string)NV12, width=(int)8, height=(int)2"), {
    code: "SOURCE",
    message: /expected raw RGB video .*NV12/,
  });
  assert.throws(() => parseCaps("audio/x-raw, rate=(int)8000"), { code: "SOURCE" });
});

test("a rate that may vary has no period, and rows are padded to four bytes", () => {
  const caps = parseCaps("video/x-raw, format=(string)RGB, width=(int)322, height=(int)2, framerate=(fraction)0/1");
  assert.deepEqual(caps, { widthPx: 322, heightPx: 2, strideBytes: 968, periodUs: undefined });
});
