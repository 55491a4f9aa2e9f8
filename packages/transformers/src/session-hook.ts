import { platform } from '#platform'
import { LOAD } from './load.ts'
import { refused } from './model-report.ts'
import type { FromPretrained, SessionClass } from './platform/platform.ts'
import { pruneFile, reasonOf } from './prune-file.ts'
import { replace } from './replace.ts'

export interface SessionHook {
  /** Rejects if the class of the sessions cannot be found. */
  put(): Promise<void>
  remove(): void
}

/**
 * Stands in front of `InferenceSession.create` of the onnxruntime that transformers.js uses.
 * @param fromPretrained that of transformers.js itself
 */
export function sessionHook(fromPretrained: FromPretrained): SessionHook {
  let undo: Promise<() => void> | undefined
  return {
    async put() {
      undo ??= platform.findSessionClass(fromPretrained).then((sessions) => replace(sessions, 'create', creating))
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
  return async function (this: SessionClass, ...args: Parameters<typeof original>) {
    const [file, { [LOAD]: load, ...plain } = {}] = args
    if (load === undefined) return original.apply(this, args)
    const pruned = await pruneFile(file, plain, load)
    if (pruned === undefined) return original.call(this, file, plain)
    if (pruned.outcome !== undefined) load.outcome = pruned.outcome
    if (pruned.bytes === undefined) return original.call(this, file, plain)
    try {
      return await original.call(this, pruned.bytes, pruned.options)
    } catch (error) {
      if (pruned.outcome !== undefined) load.outcome = refused(...reasonOf(error))
      else load.weighs = false
      return original.call(this, file, plain)
    }
  }
}
