import type { Place } from "./place.ts";
import type { Track } from "./track.ts";

/** A place farther from its expected position than this share of its length is another fruit: touching fruit lie 1 apart. */
const REACH = 0.48;
/** Across the lane fruit may wander by this share of their width between two looks. */
const REACH_ACROSS = 0.6;
/** A track seen less often may have begun with a part of a fruit. */
export const YOUNG = 6;
/** A place that lies on a track by this share of its own length is no new fruit. */
const COVERED = 0.4;

/**
 * Pairs tracks with places: the nearest first, each once.
 *
 * @param places of which `count` are there
 * @param trackOf set for each place to the index of its track, -1 for none
 * @param halfPx half length of a fruit whose size is not known
 */
export function matchPlaces(
  tracks: readonly Track[],
  places: readonly Place[],
  count: number,
  halfPx: number,
  trackOf: Int32Array,
): void {
  trackOf.fill(-1, 0, count);
  for (let pairs = Math.min(tracks.length, count); pairs > 0; pairs--) {
    let least = 1;
    let bestTrack = -1;
    let bestPlace = -1;
    for (let t = 0; t < tracks.length; t++) {
      if (taken(trackOf, count, t)) continue;
      for (let p = 0; p < count; p++) {
        if (trackOf[p]! >= 0) continue;
        const far = distance(tracks[t]!, places[p]!, halfPx);
        if (far >= least) continue;
        least = far;
        bestTrack = t;
        bestPlace = p;
      }
    }
    if (bestTrack < 0) return;
    trackOf[bestPlace] = bestTrack;
  }
}

/** Whether a place lies on a fruit that is already followed: a part of it, or it together with another. */
export function isCovered(tracks: readonly Track[], place: Place): boolean {
  for (const track of tracks) {
    const common = Math.min(track.front, place.front) - Math.max(track.rear, place.rear);
    const aside = Math.abs(track.across - place.across);
    if (common > COVERED * (place.front - place.rear) && aside < place.width / 2 + (track.ahead + track.behind) / 2) {
      return true;
    }
  }
  return false;
}

/** Below 1 the place may be the track's fruit. */
function distance(track: Track, place: Place, halfPx: number): number {
  const own = track.diameterPx > 0 ? track.ahead + track.behind : 2 * halfPx;
  // One that is hardly known may have begun with a part of its fruit.
  const young = track.hits < YOUNG || track.diameterPx === 0;
  const lengthPx = young ? Math.max(own, 2 * halfPx, place.front - place.rear) : own;
  const along = Math.abs(track.offset(place)) / (REACH * lengthPx);
  const across = Math.abs(track.across - place.across) / (REACH_ACROSS * lengthPx);
  return across >= 1 ? across : along + 0.1 * across;
}

function taken(trackOf: Int32Array, count: number, track: number): boolean {
  for (let p = 0; p < count; p++) if (trackOf[p] === track) return true;
  return false;
}
