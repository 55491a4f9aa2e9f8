import { type ReadonlySignal, type Signal, useComputed, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

/** Two runs, shown again so slowly that eyes can follow. */
export interface Playback {
  /** Time since both began, as a fraction of the longer run; 1: both are over. */
  readonly at: ReadonlySignal<number>
  readonly isPlaying: Signal<boolean>
}

/** How long the longer run takes to watch, and how long its end is shown. */
export const WATCHED_MS = 6000
const HELD_MS = 4000

const stillness = matchMedia('(prefers-reduced-motion: reduce)')

/**
 * Plays as soon as there are times, from the start for every new ones, and over and over. Nothing moves by itself for people who
 * do not want that: they see the end.
 * @param times measured; undefined: not yet
 */
export function usePlayback(times: unknown): Playback {
  const isPlaying = useSignal(!stillness.matches)
  const elapsed = useSignal(WATCHED_MS)
  const isReady = times !== undefined
  useEffect(() => {
    const follow = (): void => {
      isPlaying.value = !stillness.matches
      elapsed.value = WATCHED_MS
    }
    stillness.addEventListener('change', follow)
    return () => stillness.removeEventListener('change', follow)
  }, [])
  useEffect(() => {
    elapsed.value = isReady && isPlaying.value ? 0 : WATCHED_MS
  }, [isReady])
  useEffect(() => {
    if (!isReady || !isPlaying.value) return undefined
    if (elapsed.peek() >= WATCHED_MS) elapsed.value = 0
    let last = performance.now()
    let frame = requestAnimationFrame(function advance(now) {
      // This effect ends only some frames after the button has changed.
      if (!isPlaying.peek()) return
      elapsed.value = (elapsed.value + Math.max(0, now - last)) % (WATCHED_MS + HELD_MS)
      last = now
      frame = requestAnimationFrame(advance)
    })
    return () => cancelAnimationFrame(frame)
  }, [isReady, isPlaying.value])
  return { at: useComputed(() => Math.min(1, elapsed.value / WATCHED_MS)), isPlaying }
}
