/** A tag that is not judged, in data and in targets. */
export const IGNORED = -100
