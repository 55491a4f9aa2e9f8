import type { ValueInfo } from '@tp/core/runtime'
import { expect, test } from 'vitest'
import { mapOutput } from './map-output.ts'

const image = (side: number | string): ValueInfo => ({
  name: 'pixel_values',
  type: 'float32',
  dims: ['batch', 3, side, side],
})
const output = (name: string, ...dims: (number | string)[]): ValueInfo => ({ name, type: 'float32', dims })

test.each([
  ['a map of the size of the image', image(224), output('predicted_depth', 'batch', 224, 224), true],
  ['a map of any size', image('side'), output('predicted_depth', 'batch', 'height', 'width'), true],
  ['states of patches', image(224), output('last_hidden_state', 'batch', 257, 384), false],
  ['states of any number of patches', image('side'), output('states', 'batch', 'tokens', 384), false],
  ['states next to a map of the same width', image(64), output('states', 'batch', 17, 64), false],
  ['a vector', image(224), output('image_embeds', 'batch', 512), false],
])('knows %s by its shape', (_, of, own, isMap) => {
  expect(mapOutput({ inputs: [of], outputs: [own] })).toBe(isMap ? own : undefined)
})

test('finds no map in a model of texts', () => {
  const ids: ValueInfo = { name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] }
  expect(mapOutput({ inputs: [ids], outputs: [output('scores', 'batch', 'tokens', 'others')] })).toBeUndefined()
})
