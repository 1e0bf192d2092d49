import type { Place } from "./place.ts";
import type { Track } from "./track.ts";

/** Fruit that are the same again lie within this share of their length of each other's place, along and across. */
const SAME_PLACE = 0.12;
const SAME_ACROSS = 0.3;
/** And are as long as before within this share. */
const SAME_LENGTH = 0.25;

/**
 * How far the belt has gone while nobody could see it: not at all, as far as its speed says, or something between. The
 * distance is taken under which most tracks find their fruit again, and most of what is in view is a known fruit or
 * has come in since; between equals the one nearest to standing still or to the belt's speed.
 *
 * @param stood where each track was when it was last seen, along the lane
 * @param goneAlong how far they would have gone, pixels
 * @param places of which `count` are in view
 * @returns pixels
 */
export function travelInTheDark(
  tracks: readonly Track[],
  stood: readonly number[],
  goneAlong: number,
  places: readonly Place[],
  count: number,
  lengthPx: number,
): number {
  let best = goneAlong;
  let most = score(tracks, stood, goneAlong, places, count, lengthPx);
  const consider = (travel: number): void => {
    const points = score(tracks, stood, travel, places, count, lengthPx);
    if (points < most || (points === most && doubt(travel, goneAlong) >= doubt(best, goneAlong))) return;
    most = points;
    best = travel;
  };
  consider(0);
  for (let t = 0; t < tracks.length; t++) {
    for (let p = 0; p < count; p++) {
      const travel = tracks[t]!.offset(places[p]!) + tracks[t]!.along - stood[t]!;
      if (travel > -0.05 * goneAlong && travel < 1.1 * goneAlong) consider(travel);
    }
  }
  return best;
}

function doubt(travel: number, goneAlong: number): number {
  return Math.min(Math.abs(travel), Math.abs(travel - goneAlong));
}

function score(
  tracks: readonly Track[],
  stood: readonly number[],
  travel: number,
  places: readonly Place[],
  count: number,
  lengthPx: number,
): number {
  let points = 0;
  for (let t = 0; t < tracks.length; t++) {
    const along = stood[t]! + travel;
    if (along + tracks[t]!.ahead > lengthPx) continue;
    points += anyFits(tracks[t]!, along, places, count) ? 2 : -1;
  }
  for (let p = 0; p < count; p++) {
    // What lies farther in than the belt has gone did not come in since.
    if (places[p]!.rear < travel) continue;
    if (!tracks.some((track, t) => fits(track, stood[t]! + travel, places[p]!))) points -= 1;
  }
  return points;
}

function anyFits(track: Track, along: number, places: readonly Place[], count: number): boolean {
  for (let p = 0; p < count; p++) if (fits(track, along, places[p]!)) return true;
  return false;
}

function fits(track: Track, along: number, place: Place): boolean {
  const length = track.ahead + track.behind;
  const off = track.offset(place) + track.along - along;
  if (Math.abs(off) > SAME_PLACE * length || Math.abs(track.across - place.across) > SAME_ACROSS * length) return false;
  if (place.cutEntry || place.cutExit || track.diameterPx === 0) return true;
  return Math.abs(place.front - place.rear - length) < SAME_LENGTH * length;
}
