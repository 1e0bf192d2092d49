/** Opens an embedder and says where it runs. Arguments: the model's description, the settings as JSON. */
import { configSchema } from "../../device/config/schema.ts";
import { openEmbedder } from "../../device/embed/open-embedder.ts";

const [path, settings] = process.argv.slice(2);
const embedder = await openEmbedder(path!, configSchema.shape.embedder.parse(JSON.parse(settings!)));
process.stdout.write(`${embedder.provider}\n`);
await embedder.close();
