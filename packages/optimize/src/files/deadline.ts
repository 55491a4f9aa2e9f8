/** Milliseconds: what stops containers and services waits ten seconds, and kills then. */
const GRACE = 5_000

/**
 * A signal for what is done after the user has ended a search, such as to write the best so far. SIGTERM (the message of the reason)
 * leaves a few seconds for it; Ctrl-C leaves as many as it takes, since a second one ends the process at once.
 */
export function deadlineAfter(signal: AbortSignal, grace: number = GRACE): AbortSignal {
  const end = new AbortController()
  const begin = (): void => {
    if ((signal.reason as Error | undefined)?.message !== 'SIGTERM') return
    AbortSignal.timeout(grace).addEventListener('abort', () => end.abort(signal.reason))
  }
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  return end.signal
}
