import { platform } from '#platform'
import { LOAD } from './load.ts'
import { refused } from './model-report.ts'
import type { SessionClass } from './platform/platform.ts'
import { pruneFile, reasonOf } from './prune-file.ts'
import { replace } from './replace.ts'

export interface SessionHook {
  /** Rejects if the class of the sessions cannot be found. */
  put(): Promise<void>
  remove(): void
}

/** Stands in front of `InferenceSession.create` of the onnxruntime that transformers.js uses. */
export function sessionHook(): SessionHook {
  let undo: Promise<() => void> | undefined
  return {
    async put() {
      undo ??= platform.findSessionClass().then((sessions) => replace(sessions, 'create', creating))
      await undo.catch((error: unknown) => {
        undo = undefined
        throw error
      })
    },
    remove() {
      undo?.then((restore) => restore()).catch(() => {})
    },
  }
}

function creating(original: SessionClass['create']): SessionClass['create'] {
  return async function (this: SessionClass, model, options = {}) {
    const { [LOAD]: load, ...plain } = options
    if (load === undefined) return original.call(this, model, options)
    const pruned = await pruneFile(model, plain, load.recipe)
    load.outcome = pruned.outcome
    if (pruned.bytes === undefined) return original.call(this, model, plain)
    try {
      return await original.call(this, pruned.bytes, pruned.options)
    } catch (error) {
      load.outcome = refused(...reasonOf(error))
      return original.call(this, model, plain)
    }
  }
}
