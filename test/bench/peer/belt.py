"""Fruit on a belt, found and followed with OpenCV alone: what an engineer writes first, and what such a line costs.

The belt is a running mean at a fraction of the resolution; what differs from it in colour, or is brighter, is a blob; a blob
is joined to the track whose predicted place is nearest; a whole blob is cut out, masked and scaled for the network.
"""

import cv2
import numpy as np

cv2.setNumThreads(1)

SIDE = 96
MARGIN = 0.06
GREY = 118
#: Cells across the smallest fruit.
CELLS = 16
COLOUR = 18
BRIGHTER = 25
LEARN = 0.05
LOST_AFTER = 10


class Track:
    """One fruit on its way: place and speed in pixels along the belt."""

    def __init__(self, along: float, across: float, speed: float) -> None:
        self.along, self.across, self.speed = along, across, speed
        self.unseen = 0
        self.item = 0
        self.views = 0
        self.half = 0.0
        self.exposed_at = 0.0
        self.gone = False


class Belt:
    """One lane, ``(y, height)`` of a frame of RGB8; the belt runs to the right."""

    def __init__(self, y: int, height: int, mm_per_px: float, mm_per_s: float, fruit_mm=(40.0, 110.0)) -> None:
        self.y, self.height = y, height
        self.step = max(1, min(8, int(fruit_mm[0] / mm_per_px / CELLS)))
        self.speed = mm_per_s / mm_per_px
        self.smallest, self.largest = fruit_mm[0] * 0.9 / mm_per_px, fruit_mm[1] * 1.1 / mm_per_px
        self.kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
        self.mean = None
        self.tracks: list[Track] = []
        self.items = 0
        self.frames = 0
        self.before = None

    def look(self, frame: np.ndarray, exposed_at: float):
        """Returns the views ``[(item, crop)]`` of this frame and the items ``[(item, views, exposed_at)]`` that left."""
        lane = frame[self.y : self.y + self.height]
        small = cv2.resize(lane, (lane.shape[1] // self.step, lane.shape[0] // self.step), interpolation=cv2.INTER_NEAREST)
        mask = self.difference(small)
        elapsed = 0.0 if self.before is None else exposed_at - self.before
        self.before = exposed_at
        for track in self.tracks:
            track.along += track.speed * elapsed
            track.unseen += 1
        views, width = [], lane.shape[1]
        count, labels, boxes, centres = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_16U)
        taken: set[int] = set()
        for blob in sorted(range(1, count), key=lambda each: -centres[each][0]):
            x, y, w, h, area = boxes[blob]
            if area * self.step**2 < 0.08 * self.smallest**2:
                continue
            whole = x > 0 and y > 0 and x + w < mask.shape[1] and y + h < mask.shape[0]
            track = self.nearest(centres[blob] * self.step, whole, width, taken)
            if track is None:
                continue
            if whole:
                along = float(centres[blob][0] * self.step)
                if elapsed > 0 and track.views > 0:
                    track.speed += 0.25 * (along - track.along) / elapsed
                track.along, track.across = along, float(centres[blob][1] * self.step)
                diameter = max(w, h) * self.step
                if not track.gone and self.smallest < diameter < self.largest:
                    if track.item == 0:
                        self.items += 1
                        track.item = self.items
                    track.views += 1
                    track.half, track.exposed_at = diameter / 2, exposed_at
                    part = (labels[y : y + h, x : x + w] == blob).astype(np.uint8) * 255
                    views.append((track.item, self.cut(lane, x, y, part)))
            track.unseen = 0
        left = []
        for track in self.tracks:
            if track.gone or track.item == 0 or track.along + track.speed * elapsed + track.half < width - 4:
                continue
            track.gone = True
            left.append((track.item, track.views, track.exposed_at))
        self.tracks = [track for track in self.tracks if track.unseen < LOST_AFTER and track.along < width + 100]
        return views, left

    def difference(self, small: np.ndarray) -> np.ndarray:
        if self.mean is None:
            self.mean = np.empty(small.shape, np.float32)
            self.mean[:] = np.median(small.reshape(-1, 3), axis=0)
        red, green, blue = cv2.split(cv2.subtract(small, cv2.convertScaleAbs(self.mean), dtype=cv2.CV_16S))
        colour = cv2.max(cv2.absdiff(red, green), cv2.max(cv2.absdiff(green, blue), cv2.absdiff(red, blue)))
        mask = cv2.compare(colour, COLOUR, cv2.CMP_GT)
        mask |= cv2.compare(cv2.min(red, cv2.min(green, blue)), BRIGHTER, cv2.CMP_GT)
        mask = cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_OPEN, self.kernel), cv2.MORPH_CLOSE, self.kernel)
        if self.frames % 3 == 0:
            cv2.accumulateWeighted(small, self.mean, LEARN, mask=cv2.bitwise_not(cv2.dilate(mask, self.kernel)))
        self.frames += 1
        return mask

    def nearest(self, centre: np.ndarray, whole: bool, width: int, taken: set[int]) -> Track | None:
        best, reach = None, 0.5 * self.smallest
        for track in self.tracks:
            away = abs(track.along - centre[0]) + 0.3 * abs(track.across - centre[1])
            if id(track) not in taken and away < reach:
                best, reach = track, away
        if best is None:
            # Fruit begin in the first half; what begins later was missed there.
            if not whole or (centre[0] > 0.5 * width and self.frames > 2):
                return None
            best = Track(float(centre[0]), float(centre[1]), self.speed)
            self.tracks.append(best)
        taken.add(id(best))
        return best

    def cut(self, lane: np.ndarray, x: int, y: int, part: np.ndarray) -> np.ndarray:
        left, top = x * self.step, y * self.step
        h, w = part.shape[0] * self.step, part.shape[1] * self.step
        mask = cv2.compare(cv2.resize(part, (w, h), interpolation=cv2.INTER_LINEAR), 127, cv2.CMP_GT)
        side = int(np.ceil(max(w, h) * (1 + 2 * MARGIN)))
        square = np.full((side, side, 3), GREY, np.uint8)
        over, along = (side - h) // 2, (side - w) // 2
        cv2.copyTo(lane[top : top + h, left : left + w], mask, square[over : over + h, along : along + w])
        return cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
