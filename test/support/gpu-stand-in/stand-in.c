/*
 * A GPU build of ONNX Runtime, a CUDA runtime, a driver and TensorRT for machines without a GPU: one library under all
 * their names. It serves ONNX Runtime's table of functions, forwards to the real library (GRADELINE_REAL_ONNXRUNTIME)
 * whatever runs a model, and answers itself what only a GPU build could:
 *
 * - TensorRT and CUDA are among the providers, and take the options that their documentation lists, no others;
 * - a session with TensorRT writes an engine and a timing cache where it is told to, under ONNX Runtime's names for
 *   them, and reads an engine that lies there; one that another TensorRT, GPU, model or precision made, or that is torn,
 *   is refused with ONNX Runtime's message;
 * - nodes are said to run on the provider that was appended;
 * - "device" memory cannot be touched but by cudaMemcpy and by a run: whoever writes there otherwise dies of SIGSEGV, as
 *   with a GPU; half precision rounds what comes back;
 * - a run that would replay a CUDA graph refuses another binding than the one that was recorded.
 *
 * It computes on the CPU: it shows that the calls are right and come in the right order, never that a GPU would be fast
 * or exact. What it does can be changed by STAND_IN_* in the environment; what it did is appended to STAND_IN_EVENTS.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEWEST 24
/* Places of version 24: struct OrtApi in onnxruntime_c_api.h. */
#define PLACES 414
/* Handles and pieces of memory that are remembered at once: a test that leaves some behind ends here. */
#define MOST 4096
#define MOST_BLOCKS 96
#define EP_FAIL 11

typedef void Status;
typedef struct { const void *(*get_api)(uint32_t); const char *(*get_version)(void); } Base;
typedef struct { bool trt, cuda, refuse; char engine_path[1024], table[256]; bool cache, timing, fp16, int8, graph, native_table; } Options;
typedef struct { const void *key; int kind; Options options; const void *binding, *owner; } Known;
/* OrtAllocator as version 17 had it: nothing newer is asked of it. */
typedef struct Allocator { uint32_t version; void *(*alloc)(struct Allocator *, size_t); void (*release)(struct Allocator *, void *); const void *(*info)(const struct Allocator *); const void *memory; bool half; } Allocator;

enum { FREE, OPTIONS, PROVIDER_OPTIONS, SESSION, SUBGRAPH, DEVICE_INFO, PINNED_INFO, ALLOCATOR };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const Base *real_base;
static void **real;
static void *served[PLACES];
static Known known[MOST];
static struct { void *at; size_t bytes; bool half; } blocks[MOST_BLOCKS];
static int openings;

#define REAL(place, type) ((type)real[place])

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value == NULL || *value == 0 ? otherwise : value;
}

static void tell(const char *format, ...) {
  const char *path = getenv("STAND_IN_EVENTS");
  if (path == NULL || *path == 0) return;
  FILE *file = fopen(path, "a");
  if (file == NULL) return;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  fputc('\n', file);
  fclose(file);
}

static Status *status(int code, const char *format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return REAL(0, Status *(*)(int, const char *))(code, text);
}

static Known *find(const void *key, int kind) {
  for (int at = 0; at < MOST; at++) if (known[at].kind == kind && known[at].key == key) return &known[at];
  return NULL;
}

/* What is remembered of a handle; a new one where there is none. */
static Known *remember(const void *key, int kind) {
  Known *found = find(key, kind);
  for (int at = 0; found == NULL && at < MOST; at++) {
    if (known[at].kind != FREE) continue;
    found = &known[at];
    memset(found, 0, sizeof *found);
    found->key = key;
    found->kind = kind;
  }
  if (found == NULL) abort();
  return found;
}

static void forget(const void *key, int kind) {
  pthread_mutex_lock(&lock);
  Known *found = find(key, kind);
  if (found != NULL) found->kind = FREE;
  pthread_mutex_unlock(&lock);
}

/* ---- memory of the device ---- */

static void protect(int how) {
  for (int at = 0; at < MOST_BLOCKS; at++) if (blocks[at].at != NULL) mprotect(blocks[at].at, blocks[at].bytes, how);
}

static void open_device(void) {
  pthread_mutex_lock(&lock);
  if (openings++ == 0) protect(PROT_READ | PROT_WRITE);
  pthread_mutex_unlock(&lock);
}

static void close_device(void) {
  pthread_mutex_lock(&lock);
  if (--openings == 0) protect(PROT_NONE);
  pthread_mutex_unlock(&lock);
}

static void *device_alloc(Allocator *self, size_t bytes) {
  pthread_mutex_lock(&lock);
  void *at = mmap(NULL, bytes, openings > 0 ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int place = 0;
  while (place < MOST_BLOCKS && blocks[place].at != NULL) place++;
  if (at == MAP_FAILED || place == MOST_BLOCKS) abort();
  blocks[place].at = at;
  blocks[place].bytes = bytes;
  blocks[place].half = self->half;
  pthread_mutex_unlock(&lock);
  return at;
}

static void device_free(Allocator *self, void *at) {
  (void)self;
  pthread_mutex_lock(&lock);
  for (int place = 0; place < MOST_BLOCKS; place++) {
    if (blocks[place].at != at) continue;
    munmap(at, blocks[place].bytes);
    blocks[place].at = NULL;
  }
  pthread_mutex_unlock(&lock);
}

static void *pinned_alloc(Allocator *self, size_t bytes) { (void)self; return aligned_alloc(64, (bytes + 63) / 64 * 64); }
static void pinned_free(Allocator *self, void *at) { (void)self; free(at); }
static const void *allocator_info(const Allocator *self) { return self->memory; }

/* Place of the block; -1 for memory that is not the device's. */
static int block_of(const void *at) {
  for (int place = 0; place < MOST_BLOCKS; place++) {
    const char *from = blocks[place].at;
    if (from != NULL && (const char *)at >= from && (const char *)at < from + blocks[place].bytes) return place;
  }
  return -1;
}

/* ---- options ---- */

static const char *tensorrt_keys[] = {
  "device_id", "trt_max_workspace_size", "trt_fp16_enable", "trt_int8_enable", "trt_int8_calibration_table_name",
  "trt_int8_use_native_calibration_table", "trt_engine_cache_enable", "trt_engine_cache_path", "trt_engine_cache_prefix",
  "trt_timing_cache_enable", "trt_timing_cache_path", "trt_force_timing_cache", "trt_builder_optimization_level",
  "trt_profile_min_shapes", "trt_profile_max_shapes", "trt_profile_opt_shapes", "trt_cuda_graph_enable", NULL,
};
static const char *cuda_keys[] = {
  "device_id", "gpu_mem_limit", "arena_extend_strategy", "cudnn_conv_algo_search", "do_copy_in_default_stream",
  "cudnn_conv_use_max_workspace", "enable_cuda_graph", "prefer_nhwc", "use_tf32", "tunable_op_enable", NULL,
};

static Status *make_options(void **out) {
  *out = malloc(1);
  pthread_mutex_lock(&lock);
  remember(*out, PROVIDER_OPTIONS);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void release_options(void *options) {
  forget(options, PROVIDER_OPTIONS);
  free(options);
}

static Status *take(void *to, const char *const *keys, const char *const *values, size_t count, const char **allowed, const char *of) {
  const char *needed = setting("STAND_IN_NEEDS", "");
  if (*needed != 0 && dlopen(needed, RTLD_NOW | RTLD_LOCAL) == NULL)
    return status(EP_FAIL, "Failed to load library libonnxruntime_providers_%s.so with error: %s", of, dlerror());
  pthread_mutex_lock(&lock);
  Options *options = &find(to, PROVIDER_OPTIONS)->options;
  pthread_mutex_unlock(&lock);
  for (size_t at = 0; at < count; at++) {
    int place = 0;
    while (allowed[place] != NULL && strcmp(allowed[place], keys[at]) != 0) place++;
    if (allowed[place] == NULL) return status(1, "Unknown provider option: \"%s\".", keys[at]);
    bool on = strcmp(values[at], "1") == 0;
    if (strcmp(keys[at], "trt_engine_cache_path") == 0) snprintf(options->engine_path, sizeof options->engine_path, "%s", values[at]);
    if (strcmp(keys[at], "trt_int8_calibration_table_name") == 0) snprintf(options->table, sizeof options->table, "%s", values[at]);
    if (strcmp(keys[at], "trt_engine_cache_enable") == 0) options->cache = on;
    if (strcmp(keys[at], "trt_timing_cache_enable") == 0) options->timing = on;
    if (strcmp(keys[at], "trt_fp16_enable") == 0) options->fp16 = on;
    if (strcmp(keys[at], "trt_int8_enable") == 0) options->int8 = on;
    if (strcmp(keys[at], "trt_int8_use_native_calibration_table") == 0) options->native_table = on;
    if (strcmp(keys[at], "trt_cuda_graph_enable") == 0 || strcmp(keys[at], "enable_cuda_graph") == 0) options->graph = on;
    tell("option %s %s=%s", of, keys[at], values[at]);
  }
  return NULL;
}

static Status *update_tensorrt(void *to, const char *const *keys, const char *const *values, size_t count) {
  return take(to, keys, values, count, tensorrt_keys, "tensorrt");
}

static Status *update_cuda(void *to, const char *const *keys, const char *const *values, size_t count) {
  return take(to, keys, values, count, cuda_keys, "cuda");
}

static Status *append_tensorrt(void *session_options, const void *from) {
  pthread_mutex_lock(&lock);
  Known *session = remember(session_options, OPTIONS);
  bool refuse = session->options.refuse, cuda = session->options.cuda;
  session->options = find(from, PROVIDER_OPTIONS)->options;
  session->options.trt = true;
  session->options.cuda = cuda;
  session->options.refuse = refuse;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static Status *append_cuda(void *session_options, const void *from) {
  pthread_mutex_lock(&lock);
  Known *session = remember(session_options, OPTIONS);
  session->options.cuda = true;
  if (!session->options.trt) session->options.graph = find(from, PROVIDER_OPTIONS)->options.graph;
  pthread_mutex_unlock(&lock);
  return NULL;
}

/* The real library would find all its nodes on the CPU, as it should here. */
static Status *config_entry(void *options, const char *key, const char *value) {
  if (strcmp(key, "session.disable_cpu_ep_fallback") != 0) return REAL(130, Status *(*)(void *, const char *, const char *))(options, key, value);
  pthread_mutex_lock(&lock);
  remember(options, OPTIONS)->options.refuse = strcmp(value, "1") == 0;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void release_session_options(void *options) {
  forget(options, OPTIONS);
  REAL(100, void (*)(void *))(options);
}

static Status *providers(char ***out, int *count) {
  static const char *names[] = {"TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"};
  *out = malloc(sizeof names);
  for (int at = 0; at < 3; at++) (*out)[at] = strdup(names[at]);
  *count = 3;
  return NULL;
}

static Status *release_providers(char **names, int count) {
  for (int at = 0; at < count; at++) free(names[at]);
  free(names);
  return NULL;
}

/* ---- sessions and engines ---- */

static uint32_t hash(const unsigned char *bytes, size_t length) {
  uint32_t sum = 2166136261u;
  for (size_t at = 0; at < length; at++) sum = (sum ^ bytes[at]) * 16777619u;
  return sum;
}

/* What an engine is good for; `STAND_IN_TENSORRT_BUILD` is a TensorRT exchanged under its old number. */
static void engine_head(char *out, size_t bytes, uint32_t model, const Options *options) {
  snprintf(out, bytes, "ftrt %s %s %s sm%s %08x %s%s\n", setting("STAND_IN_TENSORRT", "100300"), setting("STAND_IN_TENSORRT_BUILD", "0"),
           setting("STAND_IN_GPU", "Stand-in"), setting("STAND_IN_CAPABILITY", "87"), model, options->fp16 ? "fp16" : "fp32", options->int8 ? " int8" : "");
}

static Status *check_table(const Options *options) {
  if (!options->int8) return NULL;
  char path[2048], head[64] = "";
  snprintf(path, sizeof path, "%s/%s", options->engine_path, options->table);
  FILE *file = fopen(path, "r");
  if (file != NULL && fgets(head, sizeof head, file) == NULL) head[0] = 0;
  if (file != NULL) fclose(file);
  if (options->native_table && strncmp(head, "TRT-", 4) == 0) return NULL;
  return status(EP_FAIL, "TensorRT EP could not read the calibration table %s", path);
}

static Status *engine(const void *model, size_t length, const Options *options) {
  Status *bad = check_table(options);
  if (bad != NULL || !options->cache) return bad;
  uint32_t sum = hash(model, length);
  char path[2048], head[512], found[512] = "";
  snprintf(path, sizeof path, "%s/TensorrtExecutionProvider_TRTKernel_graph_%u_0_0%s%s_sm%s.engine", options->engine_path, sum,
           options->fp16 ? "_fp16" : "", options->int8 ? "_int8" : "", setting("STAND_IN_CAPABILITY", "87"));
  engine_head(head, sizeof head, sum, options);
  FILE *file = fopen(path, "rb");
  if (file != NULL) {
    bool whole = fgets(found, sizeof found, file) != NULL && strcmp(found, head) == 0;
    fclose(file);
    if (!whole) return status(EP_FAIL, "TensorRT EP could not deserialize engine from cache: %s", path);
    tell("engine read %s", path);
    return NULL;
  }
  tell("engine building %s", path);
  usleep(1000 * (useconds_t)atoi(setting("STAND_IN_BUILD_MS", "0")));
  file = fopen(path, "wb");
  if (file == NULL) return status(EP_FAIL, "TensorRT EP could not write %s", path);
  fputs(head, file);
  fclose(file);
  tell("engine built %s", path);
  if (!options->timing) return NULL;
  snprintf(path, sizeof path, "%s/TensorrtExecutionProvider_cache_sm%s.timing", options->engine_path, setting("STAND_IN_CAPABILITY", "87"));
  file = fopen(path, "ab");
  if (file != NULL) { fputs("timing\n", file); fclose(file); }
  return NULL;
}

static Status *create_session(void *env, const void *model, size_t length, void *options, void **out) {
  Options mine = {0};
  pthread_mutex_lock(&lock);
  Known *noted = find(options, OPTIONS);
  if (noted != NULL) mine = noted->options;
  pthread_mutex_unlock(&lock);
  bool gpu = mine.trt || mine.cuda;
  const char *unable = setting("STAND_IN_UNABLE", "");
  if (gpu && mine.refuse && *unable != 0 && memmem(model, length, unable, strlen(unable)) != NULL)
    return status(1, "This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.");
  if (mine.trt) {
    Status *bad = engine(model, length, &mine);
    if (bad != NULL) return bad;
  }
  Status *bad = REAL(8, Status *(*)(void *, const void *, size_t, void *, void **))(env, model, length, options, out);
  if (bad != NULL || !gpu) return bad;
  pthread_mutex_lock(&lock);
  remember(*out, SESSION)->options = mine;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void release_session(void *session) {
  forget(session, SESSION);
  pthread_mutex_lock(&lock);
  for (int at = 0; at < MOST; at++) if (known[at].owner == session) known[at].kind = FREE;
  pthread_mutex_unlock(&lock);
  REAL(95, void (*)(void *))(session);
}

static Status *run(void *session, const void *options, const void *binding) {
  pthread_mutex_lock(&lock);
  Known *noted = find(session, SESSION);
  bool other = noted != NULL && noted->options.graph && noted->binding != NULL && noted->binding != binding;
  if (noted != NULL) noted->binding = binding;
  pthread_mutex_unlock(&lock);
  if (other) return status(EP_FAIL, "the graph was captured with another binding");
  open_device();
  Status *result = REAL(133, Status *(*)(void *, const void *, const void *))(session, options, binding);
  close_device();
  return result;
}

/* ---- where the nodes run ---- */

static const char *provider_of(const Known *session) {
  return session->options.trt ? "TensorrtExecutionProvider" : "CUDAExecutionProvider";
}

static Status *assignment(const void *session, const void *const **out, size_t *count) {
  Status *bad = REAL(407, Status *(*)(const void *, const void *const **, size_t *))(session, out, count);
  if (bad != NULL) return bad;
  pthread_mutex_lock(&lock);
  Known *noted = find(session, SESSION);
  for (size_t at = 0; at < *count; at++) {
    Known *old = find((*out)[at], SUBGRAPH);
    if (old != NULL) old->kind = FREE;
    if (noted == NULL) continue;
    Known *subgraph = remember((*out)[at], SUBGRAPH);
    subgraph->options = noted->options;
    subgraph->owner = session;
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

static Status *provider_name(const void *subgraph, const char **out) {
  Status *bad = REAL(408, Status *(*)(const void *, const char **))(subgraph, out);
  pthread_mutex_lock(&lock);
  Known *noted = find(subgraph, SUBGRAPH);
  if (bad == NULL && noted != NULL) *out = provider_of(noted);
  pthread_mutex_unlock(&lock);
  return bad;
}

/* The profile names the CPU, which did the work: the other name is put in its place. */
static Status *end_profiling(void *session, void *allocator, char **out) {
  static const char cpu[] = "CPUExecutionProvider";
  Status *bad = REAL(110, Status *(*)(void *, void *, char **))(session, allocator, out);
  pthread_mutex_lock(&lock);
  Known *noted = find(session, SESSION);
  const char *name = noted == NULL ? NULL : provider_of(noted);
  pthread_mutex_unlock(&lock);
  if (bad != NULL || name == NULL) return bad;
  FILE *file = fopen(*out, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  size_t length = (size_t)ftell(file);
  rewind(file);
  char *text = calloc(1, length + 1);
  length = fread(text, 1, length, file);
  fclose(file);
  file = fopen(*out, "wb");
  for (char *from = text, *hit; file != NULL; from = hit + sizeof cpu - 1) {
    hit = strstr(from, cpu);
    fwrite(from, 1, hit == NULL ? (size_t)(text + length - from) : (size_t)(hit - from), file);
    if (hit == NULL) break;
    fputs(name, file);
  }
  if (file != NULL) fclose(file);
  free(text);
  return NULL;
}

/* ---- memory as ONNX Runtime names it ---- */

static Status *memory_info(const char *name, int type, int id, int memory, void **out) {
  int kind = strcmp(name, "Cuda") == 0 ? DEVICE_INFO : strcmp(name, "CudaPinned") == 0 ? PINNED_INFO : FREE;
  Status *(*make)(const char *, int, int, int, void **) = REAL(68, Status *(*)(const char *, int, int, int, void **));
  if (kind == FREE) return make(name, type, id, memory, out);
  Status *bad = make("Cpu", type, 0, 0, out);
  if (bad != NULL) return bad;
  pthread_mutex_lock(&lock);
  remember(*out, kind);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void release_memory_info(void *info) {
  forget(info, DEVICE_INFO);
  forget(info, PINNED_INFO);
  REAL(94, void (*)(void *))(info);
}

static Status *create_allocator(const void *session, const void *info, void **out) {
  pthread_mutex_lock(&lock);
  bool device = find(info, DEVICE_INFO) != NULL, pinned = find(info, PINNED_INFO) != NULL;
  Known *noted = find(session, SESSION);
  bool half = noted != NULL && noted->options.trt && noted->options.fp16;
  pthread_mutex_unlock(&lock);
  if (pinned && atoi(setting("STAND_IN_NO_PINNED", "0"))) return status(1, "No requested allocator available");
  if (!device && !pinned) return REAL(131, Status *(*)(const void *, const void *, void **))(session, info, out);
  Allocator *allocator = malloc(sizeof *allocator);
  *allocator = (Allocator){17, device ? device_alloc : pinned_alloc, device ? device_free : pinned_free, allocator_info, info, half};
  pthread_mutex_lock(&lock);
  remember(allocator, ALLOCATOR);
  pthread_mutex_unlock(&lock);
  tell("allocator %s", device ? "device" : "pinned");
  *out = allocator;
  return NULL;
}

static void release_allocator(void *allocator) {
  pthread_mutex_lock(&lock);
  Known *mine = find(allocator, ALLOCATOR);
  if (mine != NULL) mine->kind = FREE;
  pthread_mutex_unlock(&lock);
  if (mine != NULL) free(allocator);
  else REAL(132, void (*)(void *))(allocator);
}

/* ---- the table ---- */

static const void *get_api(uint32_t version) {
  if (version > NEWEST) return NULL;
  pthread_mutex_lock(&lock);
  real = (void **)real_base->get_api(version);
  memcpy(served, real, sizeof served);
  served[8] = create_session;
  served[68] = memory_info;
  served[94] = release_memory_info;
  served[95] = release_session;
  served[100] = release_session_options;
  served[110] = end_profiling;
  served[125] = providers;
  served[126] = release_providers;
  served[130] = config_entry;
  served[131] = create_allocator;
  served[132] = release_allocator;
  served[133] = run;
  served[170] = append_tensorrt;
  served[171] = make_options;
  served[172] = update_tensorrt;
  served[174] = release_options;
  served[204] = append_cuda;
  served[205] = make_options;
  served[206] = update_cuda;
  served[208] = release_options;
  served[407] = assignment;
  served[408] = provider_name;
  pthread_mutex_unlock(&lock);
  return served;
}

static const char *get_version(void) { return real_base->get_version(); }

const Base *OrtGetApiBase(void) {
  static const Base base = {get_api, get_version};
  if (real_base != NULL) return &base;
  void *library = dlopen(getenv("GRADELINE_REAL_ONNXRUNTIME"), RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) { fprintf(stderr, "%s\n", dlerror()); abort(); }
  real_base = ((const Base *(*)(void))dlsym(library, "OrtGetApiBase"))();
  return &base;
}

/* ---- CUDA's runtime and driver, and TensorRT's version ---- */

int cudaSetDevice(int device) { return device == 0 ? 0 : 101; }
const char *cudaGetErrorString(int code) { return code == 101 ? "invalid device ordinal" : "unspecified launch failure"; }
int cudaStreamSynchronize(void *stream) { (void)stream; return 0; }

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  if (atoi(setting("STAND_IN_COPY_FAILS", "0"))) return 719;
  pthread_mutex_lock(&lock);
  int block = block_of(kind == 1 ? to : from);
  bool half = block >= 0 && blocks[block].half;
  pthread_mutex_unlock(&lock);
  if (block < 0) return 1;
  open_device();
  memcpy(to, from, bytes);
  close_device();
  tell("copy %s %zu", kind == 1 ? "in" : "out", bytes);
  if (kind != 2) return 0;
  float *values = to;
  for (size_t at = 0; half && at < bytes / 4; at++) {
    /* Eleven bits of a mantissa, as half precision has them. */
    uint32_t bits;
    memcpy(&bits, &values[at], 4);
    bits = (bits + 0x1000u) & ~0x1fffu;
    memcpy(&values[at], &bits, 4);
  }
  if (atoi(setting("STAND_IN_WRONG", "0"))) values[0] += 0.5f;
  return 0;
}

int cuInit(unsigned flags) { (void)flags; return atoi(setting("STAND_IN_DRIVER_FAILS", "0")); }
int cuDriverGetVersion(int *out) { *out = atoi(setting("STAND_IN_DRIVER", "12060")); return 0; }

int cuDeviceGetAttribute(int *out, int attribute, int device) {
  int capability = atoi(setting("STAND_IN_CAPABILITY", "87"));
  *out = attribute == 75 ? capability / 10 : capability % 10;
  return device == 0 ? 0 : 101;
}

int cuDeviceGetName(char *out, int bytes, int device) {
  snprintf(out, (size_t)bytes, "%s", setting("STAND_IN_GPU", "Stand-in"));
  return device == 0 ? 0 : 101;
}

int getInferLibVersion(void) { return atoi(setting("STAND_IN_TENSORRT", "100300")); }
