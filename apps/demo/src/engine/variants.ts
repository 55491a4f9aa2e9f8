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

/**
 * One slot for a variant; another plan replaces it and frees the memory of the first. A variant goes on being opened when whoever wanted it
 * first no longer does, until another plan is wanted: a person who types wants the same one with each letter.
 */
export interface Slot {
  use(plan: Plan, signal: AbortSignal): Promise<OpenVariant>
  empty(): void
}

/** One thread: more of them make small models slower, and figures from one can be compared. */
const THREADS = 1

const openRuntime = once(async () => wasmRuntime({ wasmPaths: { wasm: await runtimeWasm() } }))

/** A variant on its way. */
interface Opening {
  readonly key: string
  readonly variant: Promise<OpenVariant>
  readonly life: AbortController
}

export function openSlot(compiler: Compiler, trace: boolean): Slot {
  let held: (OpenVariant & { readonly key: string }) | undefined
  let opening: Opening | undefined

  function giveUp(): void {
    opening?.life.abort()
    opening = undefined
  }

  function empty(): void {
    giveUp()
    void held?.session.dispose()
    held = undefined
  }

  async function open(plan: Plan, key: string, signal: AbortSignal): Promise<OpenVariant> {
    const [runtime, file] = await Promise.all([openRuntime(), compiler.prune(plan, trace, signal)])
    const session = await runtime.load(file, { worker: true, threads: THREADS, signal })
    if (signal.aborted) void session.dispose()
    throwIfAborted(signal, 'demo')
    void held?.session.dispose()
    held = { plan, file, session, key }
    return held
  }

  return {
    async use(plan, signal) {
      const key = compiler.key(plan)
      if (opening?.key !== key) giveUp()
      if (held?.key === key) return held
      if (opening === undefined) {
        const life = new AbortController()
        opening = { key, life, variant: open(plan, key, life.signal) }
      }
      const own = opening
      const variant = await own.variant.finally(() => {
        if (opening === own) opening = undefined
      })
      throwIfAborted(signal, 'demo')
      return variant
    },
    empty,
  }
}
