import type { Plan } from '@tp/compiler'
import { type Session, throwIfAborted } from '@tp/core/runtime'
import { wasmRuntime } from '@tp/runtime-web'
import type { Compiler } from './compiler.ts'

/** A model pruned by a plan, in a worker of its own. */
export interface OpenVariant {
  readonly plan: Plan
  readonly file: Uint8Array<ArrayBuffer>
  readonly session: Session
}

/** One slot for a variant; another plan replaces it and frees the memory of the first. */
export interface Slot {
  use(plan: Plan, signal: AbortSignal): Promise<OpenVariant>
  empty(): void
}

/** One thread: more of them make small models slower, and figures from one can be compared. */
const THREADS = 1

const runtime = wasmRuntime()

export function openSlot(compiler: Compiler, trace: boolean): Slot {
  let held: (OpenVariant & { readonly key: string }) | undefined

  function empty(): void {
    void held?.session.dispose()
    held = undefined
  }

  return {
    async use(plan, signal) {
      const key = compiler.key(plan)
      if (held?.key === key) return held
      const file = await compiler.prune(plan, trace, signal)
      const session = await runtime.load(file, { worker: true, threads: THREADS, signal })
      if (signal.aborted) void session.dispose()
      throwIfAborted(signal, 'demo')
      empty()
      held = { plan, file, session, key }
      return held
    },
    empty,
  }
}
