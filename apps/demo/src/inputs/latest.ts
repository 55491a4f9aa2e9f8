import { useRef } from 'preact/hooks'

/**
 * Tasks of which only the latest counts: a file that takes long to read does not replace a later one.
 * @returns begins a task, and gives a function that says whether none has begun since
 */
export function useLatest(): () => () => boolean {
  const turn = useRef(0)
  return () => {
    const own = ++turn.current
    return () => own === turn.current
  }
}
