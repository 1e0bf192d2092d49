import koffi from "koffi";

/**
 * A client of a GigE Vision camera that only reads: `node camera-gige-reader.ts ADDRESS NAME…`. Prints one JSON object
 * with what the camera says for each GenICam name; `NAME=VALUE` selects first; `xml` is the camera's description.
 */
const [address, ...names] = process.argv.slice(2);
const aravis = koffi.load("libaravis-0.8.so.0");
const newCamera = aravis.func("void *arv_camera_new(const char *name, void *error)");
const deviceOf = aravis.func("void *arv_camera_get_device(void *camera)");
const featureOf = aravis.func("void *arv_device_get_feature(void *device, const char *name)");
const getValue = aravis.func("const char *arv_gc_feature_node_get_value_as_string(void *node, void *error)");
const setValue = aravis.func(
  "void arv_gc_feature_node_set_value_from_string(void *node, const char *value, void *error)",
);
const description = aravis.func("void *arv_device_get_genicam_xml(void *device, _Out_ size_t *bytes)");

let camera: bigint | null = null;
// It may not be ready yet.
for (let tries = 0; camera === null && tries < 20; tries++) camera = newCamera(address, null) as bigint | null;
if (camera === null) throw new Error(`no camera answers at ${address}`);
const device = deviceOf(camera);
const said: Record<string, string> = {};
for (const name of names) {
  const [feature = "", value] = name.split("=");
  if (value !== undefined) setValue(featureOf(device, feature), value, null);
  else if (name === "xml") said.xml = describe();
  else said[name] = getValue(featureOf(device, name), null);
}
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));

function describe(): string {
  const bytes: [number] = [0];
  const text = description(device, bytes);
  return koffi.decode(text, "char", bytes[0]) as string;
}
