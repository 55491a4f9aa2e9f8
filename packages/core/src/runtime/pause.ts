import { type AbortSignalLike, throwIfAborted } from './abort.ts'

interface Timers {
  readonly setImmediate?: (then: () => void) => void
  readonly setTimeout: (then: () => void) => void
}
// Pages have only the second.
const { setTimeout, setImmediate = setTimeout } = globalThis as unknown as Timers

/** Between steps that block the event loop: lets timers and signals arrive. @throws TpError TP_ABORTED */
export async function pause(signal: AbortSignalLike | undefined, where: string): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  throwIfAborted(signal, where)
}
