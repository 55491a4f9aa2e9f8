import type { Plan } from '@tp/compiler'
import { type Session, throwIfAborted } from '@tp/core/runtime'
import { wasmRuntime } from '@tp/runtime-web'
import { once } from '../loading/once.ts'
import { runtimeWasm } from '../loading/runtime-wasm.ts'
import type { Compiler } from './compiler.ts'

/** A model pruned by a plan. */
export interface PrunedFile {
  readonly plan: Plan
  readonly file: Uint8Array<ArrayBuffer>
}

/** In a worker of its own. */
export interface OpenVariant extends PrunedFile {
  readonly session: Session
}

/** One slot for a variant; another plan replaces it and frees the memory of the first. */
export interface Slot {
  use(plan: Plan, signal: AbortSignal): Promise<OpenVariant>
  empty(): void
}

/** One thread: more of them make small models slower, and figures from one can be compared. */
const THREADS = 1

const openRuntime = once(async () => wasmRuntime({ wasmPaths: { wasm: await runtimeWasm() } }))

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
      const [runtime, file] = await Promise.all([openRuntime(), compiler.prune(plan, trace, signal)])
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
