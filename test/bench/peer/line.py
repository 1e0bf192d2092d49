"""The grading line as an engineer would write it in Python: a process for each camera, one session, MQTT by paho.

``line.py TASK``, JSON: ``frames`` (paths of raw RGB8 files), ``widthPx``, ``heightPx``, ``fps``, ``pace`` (``real`` or ``fast``),
``lanesPerCamera``, ``laneHeightPx``, ``mmPerPx``, ``mmPerS``, ``lead``, ``model``, ``gallery``, ``broker``, ``out``. It prints ``READY``, and on
SIGTERM writes what it did to ``out``: ``acks`` [[acknowledged, exposed], …], ``items`` [decided, …], ``batches`` [[done, views], …],
seconds since 1970, and ``frames`` {seen, dropped}.
"""

import json
import multiprocessing
import multiprocessing.connection
import os
import queue
import re
import signal
import sys
import threading
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

#: Frames of a camera whose views wait; beyond it the camera waits, and its frames drop.
CREDIT = 8
LARGEST_BATCH = 16


def frames(path: str, task: dict, start: float, counts) -> object:
    """Yields ``(exposed_at, frame)`` for ever; frames that came due meanwhile are dropped where the pace is real."""
    size = task["widthPx"] * task["heightPx"] * 3
    file = os.open(path, os.O_RDONLY)
    stored, lead = os.fstat(file).st_size // size, task["lead"]
    frame = np.empty((task["heightPx"], task["widthPx"], 3), np.uint8)
    number = 0
    while True:
        if task["pace"] == "real":
            number = max(number, int((time.time() - start) * task["fps"] + 1e-6))
            wait = start + number / task["fps"] - time.time()
            if wait > 0:
                time.sleep(wait)
        at = number if number < stored else lead + (number - lead) % (stored - lead)
        os.preadv(file, [frame], at * size)
        counts[0], counts[1] = number + 1, counts[1] + 1
        yield start + number / task["fps"], frame
        number += 1


def camera(index: int, task: dict, pipe, credit, start: float, counts) -> None:
    from belt import Belt

    height = task["laneHeightPx"]
    lanes = [
        (f"lane{index}{lane}", Belt(lane * height, height, task["mmPerPx"], task["mmPerS"]))
        for lane in range(task["lanesPerCamera"])
    ]
    for exposed_at, frame in frames(task["frames"][index], task, start, counts):
        found = []
        for name, lane in lanes:
            views, left = lane.look(frame, exposed_at)
            if views or left:
                found.append((name, [item for item, _ in views], [crop for _, crop in views], left))
        if found:
            credit.acquire()
            pipe.send((index, found))


def main() -> None:
    task = json.loads(sys.argv[1])
    fork = multiprocessing.get_context("fork")
    start = time.time() + 1.5
    credits, counts, pipes, cameras = [], [], [], []
    for index in range(len(task["frames"])):
        receive, send = fork.Pipe(False)
        credits.append(fork.BoundedSemaphore(CREDIT))
        counts.append(fork.RawArray("q", 2))
        process = fork.Process(
            target=camera, args=(index, task, send, credits[-1], start, counts[-1]), daemon=True
        )
        process.start()
        pipes.append(receive)
        cameras.append(process)

    import onnxruntime
    import paho.mqtt.client as mqtt
    from references import Grader

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(task["model"], options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    grader = Grader(task["gallery"])

    acks, items, batches, sent, early = [], [], [], {}, {}
    lock = threading.Lock()

    def acknowledged(_client, _data, message, *_rest) -> None:
        now = time.time()
        with lock:
            if message in sent:
                acks.append((now, sent.pop(message)))
            else:
                early[message] = now

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"peer-{os.getpid()}")
    client.on_publish = acknowledged
    host, port = re.match(r"mqtt://([^:/]+):(\d+)", task["broker"]).groups()
    client.connect(host, int(port))
    client.loop_start()

    waiting: queue.Queue = queue.Queue()

    def pump() -> None:
        while True:
            for pipe in multiprocessing.connection.wait(pipes):
                waiting.put(pipe.recv())

    def grade() -> None:
        rows: dict = {}
        numbers: dict = {}
        while True:
            messages = [waiting.get()]
            views = sum(len(crops) for _, _, crops, _ in messages[0][1])
            while views < LARGEST_BATCH and not waiting.empty():
                messages.append(waiting.get())
                views += sum(len(crops) for _, _, crops, _ in messages[-1][1])
            parts = [(lane, ids, crops, left) for _, found in messages for lane, ids, crops, left in found]
            crops = [crop for _, _, part, _ in parts for crop in part]
            if crops:
                embedded = iter(session.run(None, {name: np.stack(crops)})[0])
                batches.append((time.time(), len(crops)))
                for lane, ids, _, _ in parts:
                    for item in ids:
                        rows.setdefault((lane, item), []).append(next(embedded))
            for index, _ in messages:
                credits[index].release()
            for lane, _, _, left in parts:
                for item, _, exposed_at in left:
                    seen = rows.pop((lane, item), None)
                    if seen is None:
                        continue
                    grade_name, away = grader.grade(np.stack(seen))
                    number = numbers[lane] = numbers.get(lane, 0) + 1
                    now = time.time()
                    items.append(now)
                    verdict = {
                        "device": "peer",
                        "lane": lane,
                        "item": f"{lane}-{item}",
                        "seq": number,
                        "grade": grade_name,
                        "views": len(seen),
                        "distances": [round(float(each), 4) for each in away],
                        "exposedAt": exposed_at,
                        "decidedAt": now,
                    }
                    info = client.publish(f"peer/lane/{lane}/verdict", json.dumps(verdict), qos=1)
                    with lock:
                        if info.mid in early:
                            acks.append((early.pop(info.mid), exposed_at))
                        else:
                            sent[info.mid] = exposed_at

    def stop(*_) -> None:
        seen = sum(count[0] for count in counts)
        done = {"acks": acks, "items": items, "batches": batches}
        done["frames"] = {"seen": seen, "dropped": seen - sum(count[1] for count in counts)}
        with open(task["out"], "w", encoding="utf-8") as file:
            json.dump(done, file)
        for process in cameras:
            process.kill()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=pump, daemon=True).start()
    threading.Thread(target=grade, daemon=True).start()
    print("READY", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
