import { readFileSync, writeFileSync } from 'node:fs'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import { asking } from './client.ts'
import { modelFolder } from './folders.ts'
import { unsettled } from './models.ts'

const folder = modelFolder()
const text = 'You have won a prize, click here now, it is free'

describe('a server of a model of labels whose graph does not say in which form they are', () => {
  test.each(['probabilities', 'logits'] as const)('reads %s as such', async (form) => {
    const path = folder.add(form, unsettled(form))
    const config = folder.at(form, 'config.json')
    const own = { ...JSON.parse(readFileSync(config, 'utf8')), problem_type: 'multi_label_classification' }
    writeFileSync(config, JSON.stringify(own))
    await using server = await serve({ models: [{ path, runtime: nodeRuntime(), threads: 1 }], port: 0, drainMs: 0 })
    const { task, answerForm } = server.models[0]?.current ?? {}
    expect({ task, answerForm }).toEqual({
      task: 'multi-label',
      answerForm: form === 'logits' ? 'logits' : 'sigmoid',
    })
    const { body } = await asking(server)('/predict', { inputs: text })
    const scores = body.map(({ score }: { score: number }) => score)
    // Relu makes 0 of what is against a label; a sigmoid of probabilities would be one half at least.
    if (form === 'logits') expect(Math.min(...scores)).toBeCloseTo(0.5, 6)
    else expect(Math.min(...scores)).toBeLessThan(0.3)
  })
})
