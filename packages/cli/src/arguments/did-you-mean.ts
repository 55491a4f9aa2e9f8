import { distance } from 'fastest-levenshtein'

/** The one of some names that was probably meant: a few letters differ, or it begins with what was written. */
export function nearestOf(written: string, names: readonly string[]): string | undefined {
  const typed = written.toLowerCase()
  // Two letters that changed places are two mistakes.
  const most = typed.length < 4 ? 1 : Math.max(2, Math.floor(typed.length / 3))
  let nearest: { readonly name: string; readonly away: number } | undefined
  for (const name of names) {
    const whole = distance(typed, name.toLowerCase())
    // `received` for received-attention: only where there is enough of it.
    const begun = typed.length >= 3 ? distance(typed, name.slice(0, typed.length).toLowerCase()) + 0.5 : whole
    const away = Math.min(whole, begun)
    if (Math.floor(away) <= most && (nearest === undefined || away < nearest.away)) nearest = { name, away }
  }
  return nearest?.name
}

/** `; did you mean tome?`, or nothing where no name is near. */
export function didYouMean(written: string, names: readonly string[], write = (name: string): string => name): string {
  const name = nearestOf(written, names)
  return name === undefined ? '' : `; did you mean ${write(name)}?`
}
