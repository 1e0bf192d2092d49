import sharp from "sharp";

/** Draws our own SVG; the loader is shut again, as pictures of others may not reach it. */
export async function rasterize(markup: Buffer, density = 72): Promise<Buffer> {
  sharp.unblock({ operation: ["VipsForeignLoadSvg"] });
  try {
    return await sharp(markup, { density }).png().toBuffer();
  } finally {
    sharp.block({ operation: ["VipsForeignLoadSvg"] });
  }
}
