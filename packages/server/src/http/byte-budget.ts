/** Counts the bytes that each of many holds. */
export interface ByteBudget<Holder extends object> {
  /** Counts more bytes that this one holds, and gives up others while all together are too many. */
  add(holder: Holder, bytes: number): void
  /** Counts what this one holds no more. */
  forget(holder: Holder): void
}

/**
 * Bounds what all clients together have the server keep in memory: beyond so many bytes the one that began first is given up, but never the
 * only one. Ordinary clients keep memory for milliseconds, slow or malicious ones for long.
 */
export function byteBudget<Holder extends object>(
  mostBytes: number,
  giveUp: (holder: Holder) => void,
): ByteBudget<Holder> {
  /** In the order in which they began. */
  const held = new Map<Holder, number>()
  let total = 0
  function forget(holder: Holder): void {
    total -= held.get(holder) ?? 0
    held.delete(holder)
  }
  return {
    add(holder, bytes) {
      held.set(holder, (held.get(holder) ?? 0) + bytes)
      total += bytes
      for (const [first] of held) {
        if (total <= mostBytes || held.size === 1) break
        forget(first)
        giveUp(first)
      }
    },
    forget,
  }
}
