import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelCache } from '../cache.ts'
import { installExporter, openPython } from '../models/python.ts'
import { run } from '../run.ts'
import type { TrainedModel } from './trained-model.ts'

const script = fileURLToPath(new URL('../../python/train_head.py', import.meta.url))

interface TextHead {
  /** Classes of texts, of pairs of texts, or of words. */
  readonly task: 'texts' | 'pairs' | 'tags'
  readonly epochs: number
  /** Learning rate of the encoder; the head's is ten times as high. */
  readonly rate: number
}

/** Trains all weights of an embedder with a new head on `train.tsv`, by PyTorch with a fixed seed, and exports it. */
export function textHead({ task, epochs, rate }: TextHead): TrainedModel['train'] {
  return async ({ base, data, folder, onProgress, signal }) => {
    const cache = modelCache()
    const python = await openPython(cache, signal)
    onProgress('preparing the training (once; PyTorch and others)')
    await installExporter(cache, python, signal)
    onProgress('training, some minutes')
    const parts = JSON.stringify({ base: dirname(base), data, out: folder, task, epochs, rate })
    await run('training', python, [script, parts], signal)
  }
}
