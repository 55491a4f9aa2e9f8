import { join } from 'node:path'
import { evaluate, evaluateTokens } from '@tp/compare'
import { readTaskData } from '@tp/data'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { realSuite, trainedFolder, trainedModel } from '../cache.ts'
import { trainedModelNames, trainedModels } from './models.ts'
import type { TrainedModelName } from './trained-model.ts'

/** Percent that is right of the first 200 test examples; of tags most are O. */
const least: Readonly<Record<TrainedModelName, number>> = {
  'vit-s-cifar10': 58,
  'sick-MiniLM': 75,
  'banking77-MiniLM': 85,
  'hatecheck-MiniLM': 80,
  'wnut17-MiniLM': 92,
}

describe.each(trainedModelNames)('%s', (name) => {
  const { data } = trainedModels[name]
  const [path, suite] = [trainedModel(name), realSuite(data)]
  if (path === undefined || suite === undefined) {
    test.skip(`answers (skipped: ${trainedFolder(name)} or its data are missing; npm run models makes it)`, () => {})
    return
  }

  test('answers test examples as well as when it was trained', { tags: 'exhaustive' }, async () => {
    await using session = await nodeRuntime().load(path, { threads: 1 })
    const tests = join(suite, data === 'cifar10' ? 'test' : 'test.tsv')
    const read = await readTaskData(path, session, tests, { limit: 200 })
    const { accuracy } =
      read.task === 'tokens' ? await evaluateTokens(session, read.inputs) : await evaluate(session, read.inputs)
    expect(accuracy.estimate).toBeGreaterThan(least[name])
  })
})
