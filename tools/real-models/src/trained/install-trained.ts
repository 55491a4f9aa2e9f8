import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { realModel, realSuite, trainedFolder, trainedModel } from '../cache.ts'
import { trainedModels } from './models.ts'
import type { HeadOptions, TrainedModelName } from './trained-model.ts'

/** Trains a model into its folder, whole or not at all. @throws TpError TP_MODELS also where its base or its data are missing */
export async function installTrained(
  name: TrainedModelName,
  { onProgress, signal }: Pick<HeadOptions, 'onProgress' | 'signal'>,
): Promise<void> {
  const { base, data, train } = trainedModels[name]
  const [path, suite] = [realModel(base), realSuite(data)]
  if (path === undefined || suite === undefined) {
    const missing = path === undefined ? base : data
    throw new TpError('TP_MODELS', 'models', `${missing} is missing; npm run models -- ${missing} fetches it`)
  }
  const folder = trainedFolder(name)
  const waiting = `${folder}.${randomUUID()}.tmp`
  try {
    await mkdir(waiting, { recursive: true })
    await train({ base: path, data: suite, folder: waiting, onProgress, signal })
    // Another run may have been faster: its folder is as good.
    await rename(waiting, folder).catch((error: unknown) => {
      if (trainedModel(name) === undefined) throw error
    })
  } finally {
    await rm(waiting, { recursive: true, force: true })
  }
}
