import koffi from "koffi";

/**
 * An RTSP server on loopback that serves a test picture as motion JPEG at /camera: `node camera-rtsp-server.ts PORT`.
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
addFactory(mountPoints(server), "/camera", factory);
if (attach(server, null) === 0) throw new Error("the RTSP server cannot listen");
process.stdout.write("ready\n", () => runLoop(newLoop(null, 0)));
