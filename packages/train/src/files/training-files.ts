import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import { isThere, nothingToResume, readCheckpointFile, removeCheckpointFile, replaceFile } from '@tp/data/files'
import { ANSWERS_PART, type StoredPart, type TrainingStore } from '../job/store.ts'
import { SOFT_PART } from '../train.ts'

/** Files next to a model that is trained, which hold the state of its training while it runs. */
export function trainingFiles(out: string): Readonly<Record<StoredPart, string>> {
  return { soft: `${out}.soft.checkpoint`, hard: `${out}.checkpoint`, answers: `${out}.answers.checkpoint` }
}

/** Keeps the state of a training in these files. */
export function trainingStore(out: string): TrainingStore {
  const files = trainingFiles(out)
  return {
    read: (part) => readCheckpointFile(files[part]),
    write: (part, bytes) => replaceFile(files[part], bytes),
    remove: (part) => removeCheckpointFile(files[part]),
  }
}

/** The first of the files that is there. */
export async function storedFile(out: string): Promise<string | undefined> {
  for (const path of Object.values(trainingFiles(out))) if (await isThere(path)) return path
  return undefined
}

/** @throws TpError TP_FILE_NOT_FOUND where nothing of a training is stored that it can resume from */
export async function requireStored(out: string, first: 'soft' | 'hard'): Promise<void> {
  const files = trainingFiles(out)
  if (!(await isThere(files[first])) && !(await isThere(files.answers))) throw nothingToResume(files[first])
}

/** Runs a training that may resume; if a stored part is unusable, the error names its file. @throws TpError TP_RESUME */
export async function namingStored<T>(out: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    if (!isTpError(cause) || cause.code !== 'TP_RESUME') throw cause
    const part = { [SOFT_PART]: 'soft', [ANSWERS_PART]: 'answers' }[cause.where] as StoredPart | undefined
    const path = trainingFiles(out)[part ?? 'hard']
    throw new TpError('TP_RESUME', path, bareMessage(cause), { cause })
  }
}
