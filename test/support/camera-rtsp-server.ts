import koffi from "koffi";

/**
 * An RTSP server on loopback that serves a test picture as motion JPEG at /camera: `node camera-rtsp-server.ts PORT
 * [USER PASSWORD_IN_HEX]`.
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

gstInit(null, null);
const server = newServer();
setAddress(server, "127.0.0.1");
setService(server, process.argv[2] ?? "8554");
const factory = newFactory();
setLaunch(
  factory,
  "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )",
);
setShared(factory, 1);
const [, , , user, password] = process.argv;
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
