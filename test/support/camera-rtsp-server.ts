import { parseArgs } from "node:util";
import koffi from "koffi";

/**
 * An RTSP server on loopback that serves a test picture at /camera: `node camera-rtsp-server.ts PORT [--encoding
 * jpeg|h264|h265] [--user NAME --password IN_HEX]`. H.264 and H.265 are as network cameras send them: a whole picture
 * once a second only, and pictures that refer to later ones.
 * Prints a line when it listens and runs until it is killed. Needs libgstrtspserver-1.0-0.
 */
const rtsp = koffi.load("libgstrtspserver-1.0.so.0");
const gst = koffi.load("libgstreamer-1.0.so.0");
const glib = koffi.load("libglib-2.0.so.0");

const gstInit = gst.func("void gst_init(void *argc, void *argv)");
const newServer = rtsp.func("void *gst_rtsp_server_new()");
const setService = rtsp.func("void gst_rtsp_server_set_service(void *server, const char *port)");
const setAddress = rtsp.func("void gst_rtsp_server_set_address(void *server, const char *address)");
const mountPoints = rtsp.func("void *gst_rtsp_server_get_mount_points(void *server)");
const newFactory = rtsp.func("void *gst_rtsp_media_factory_new()");
const setLaunch = rtsp.func("void gst_rtsp_media_factory_set_launch(void *factory, const char *launch)");
const setShared = rtsp.func("void gst_rtsp_media_factory_set_shared(void *factory, int shared)");
const addFactory = rtsp.func("void gst_rtsp_mount_points_add_factory(void *mounts, const char *path, void *factory)");
const attach = rtsp.func("unsigned int gst_rtsp_server_attach(void *server, void *context)");
const newLoop = glib.func("void *g_main_loop_new(void *context, int running)");
const runLoop = glib.func("void g_main_loop_run(void *loop)");

const ENCODINGS: Readonly<Record<string, string>> = {
  jpeg: "jpegenc ! rtpjpegpay name=pay0 pt=26",
  h264: "x264enc speed-preset=superfast bframes=2 key-int-max=25 ! video/x-h264,profile=high ! rtph264pay name=pay0 pt=96",
  h265: "x265enc speed-preset=ultrafast key-int-max=25 ! rtph265pay name=pay0 pt=96",
};
const text = { type: "string" } as const;
const { values, positionals } = parseArgs({
  options: { encoding: text, user: text, password: text },
  allowPositionals: true,
});
const { encoding = "jpeg", user, password } = values;

gstInit(null, null);
const server = newServer();
setAddress(server, "127.0.0.1");
setService(server, positionals[0] ?? "8554");
const factory = newFactory();
setLaunch(
  factory,
  `( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! ${ENCODINGS[encoding]} )`,
);
setShared(factory, 1);
if (user !== undefined && password !== undefined) protect(user, Buffer.from(password, "hex").toString());
addFactory(mountPoints(server), "/camera", factory);
if (attach(server, null) === 0) throw new Error("the RTSP server cannot listen");

/** Lets in who knows the password, and nobody else. */
function protect(name: string, secret: string): void {
  const G_TYPE_STRING = 16 << 2;
  const G_TYPE_BOOLEAN = 5 << 2;
  const newAuth = rtsp.func("void *gst_rtsp_auth_new()");
  const newToken = rtsp.func("void *gst_rtsp_token_new(const char *field, ...)");
  const addBasic = rtsp.func("void gst_rtsp_auth_add_basic(void *auth, const char *basic, void *token)");
  const addRole = rtsp.func(
    "void gst_rtsp_media_factory_add_role(void *factory, const char *role, const char *f, ...)",
  );
  const setAuth = rtsp.func("void gst_rtsp_server_set_auth(void *server, void *auth)");
  const auth = newAuth();
  const token = newToken("media.factory.role", "size_t", G_TYPE_STRING, "const char *", "viewer", "void *", null);
  addBasic(auth, Buffer.from(`${name}:${secret}`).toString("base64"), token);
  const yes = ["size_t", G_TYPE_BOOLEAN, "int", 1];
  const access = [...yes, "const char *", "media.factory.construct", ...yes, "void *", null];
  addRole(factory, "viewer", "media.factory.access", ...access);
  setAuth(server, auth);
}
process.stdout.write("ready\n", () => runLoop(newLoop(null, 0)));
