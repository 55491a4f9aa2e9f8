import { expect, test } from 'vitest'
import { NONE, pruned } from '../../registry/settings.ts'
import { commandOf } from './commands.ts'

const once = pruned('cls-attention', { keep: 0.1, layers: [0] })

test('says how a setting is had, or what to do without a command', () => {
  expect(commandOf(NONE)).toBe('tp prune model.onnx --lossless')
  expect(commandOf({ ...NONE, int8: true })).toBe('tp quantize model.onnx -o model.int8.onnx')
  expect(commandOf(once)).toBe('tp prune model.onnx --method cls-attention --keep 0.1 --layers 0')
  expect(commandOf({ ...once, int8: true })).toBe(
    'tp quantize model.onnx -o model.int8.onnx && tp prune model.int8.onnx --method cls-attention --keep 0.1 --layers 0',
  )
  expect(commandOf({ kind: 'shallow', without: [5, 3] })).toBe('tp prune model.onnx --method none --leave-out 3,5')
  expect(commandOf({ kind: 'truncated', budget: { keep: 0.7, layers: [1] } }, 74)).toBe('cut texts to 74 tokens')
})
