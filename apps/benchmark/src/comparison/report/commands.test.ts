import { expect, test } from 'vitest'
import { NONE, pruned } from '../../registry/settings.ts'
import { commandOf, commandToTune } from './commands.ts'

const once = pruned('cls-attention', { keep: 0.1, layers: [0] })
const texts = { modality: 'text' } as const
const images = { modality: 'image' } as const

test('says how a setting is had, or what to do without a command', () => {
  expect(commandOf(NONE, texts)).toBe('tp prune model.onnx --lossless')
  expect(commandOf({ ...NONE, int8: true }, texts)).toBe('tp quantize model.onnx -o model.int8.onnx')
  expect(commandOf(once, texts)).toBe('tp prune model.onnx --method cls-attention --keep 0.1 --layers 0')
  expect(commandOf({ ...once, int8: true }, texts)).toBe(
    'tp quantize model.onnx -o model.int8.onnx && tp prune model.int8.onnx --method cls-attention --keep 0.1 --layers 0',
  )
  expect(commandOf({ kind: 'shallow', without: [5, 3] }, texts)).toBe(
    'tp prune model.onnx --method none --leave-out 3,5',
  )
  const truncated = { kind: 'truncated', budget: { keep: 0.7, layers: [1] } } as const
  expect(commandOf(truncated, { ...texts, maxTokens: 74 })).toBe('cut texts to 74 tokens')
  expect(commandOf({ ...truncated, int8: true }, { ...texts, maxTokens: 74 })).toBe(
    'tp quantize model.onnx -o model.int8.onnx   # and cut texts to 74 tokens',
  )
})

test('training commands name examples of their kind, and others to choose by', () => {
  const learned = (file: string) => ({ kind: 'learned', file }) as const
  expect(commandOf(learned('imdb-sdtp-50-0'), texts)).toBe(
    'tp train model.onnx -o pruned.onnx --method sdtp --target-flops 0.5 --data texts.tsv --selection others.tsv',
  )
  expect(commandOf(learned('fashion-dynamicvit-70'), images)).toContain('--data images --selection other-images')
  expect(commandToTune(1, images)).toBe('tp optimize model.onnx --data images --max-loss 1')
})

test('weights are stored in 8 bits after they have learned', () => {
  const command = commandOf({ kind: 'learned', file: 'imdb-sdtp-50-0', int8: true }, texts)
  expect(command).toMatch(/^tp train model\.onnx .* --quantize$/)
})

test('the encoder that learns alone has no command of its own, since its method is not known', () => {
  expect(commandOf({ kind: 'learned', file: 'imdb-fine-tuned-50-0' }, texts)).not.toMatch(/^tp /)
})
