import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { unprunedVariant } from './candidate.ts'
import { Measurer } from './measurer.ts'
import { type InTurns, relativeTimes } from './timed-in-turns.ts'

const model = decodeModel(readFileSync(modelPath('mail')))
const candidates = [{}, { quantize: {} }, { quantize: { weightType: 'uint8' as const } }].map((form) => ({
  variant: unprunedVariant(form),
  shares: [1],
}))

test('a measurement is found again by the shapes, and by the options of 8 bits', async () => {
  const names = 'none 1, none in 8 bits 1, none in 8 bits {"weightType":"uint8"} 1'
  const known = { [`times node at 1x8 ${names}`]: [1, 2, 3], [`times node at 8x16 1 ${names}`]: [1, 4, 5] }
  const device = nodeRuntime()
  const common = { measurer: new Measurer({ known }), model, device, inputs: {} as InTurns['inputs'], sites: [1] }
  const at = (shapes: InTurns['shapes']) => relativeTimes({ ...common, shapes }, candidates)
  expect(await at([{ batch: 1, tokens: 8 }])).toEqual([1, 2, 3])
  expect(await at([{ batch: 8, tokens: 16 }, { batch: 1 }])).toEqual([1, 4, 5])
})
