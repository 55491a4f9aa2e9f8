import { expect, test } from 'vitest'
import { outsideCases } from './cases.ts'
import { keptFile } from './measure-own.ts'
import { planOf, settingText } from './setting-text.ts'
import { learnedSettings, plannedSettings } from './settings.ts'

test('keeps each setting of a case in a file of its own, whose name any file system takes', () => {
  for (const one of outsideCases) {
    const settings = [{}, { reduceRange: true }]
      .flatMap((weights) => [...plannedSettings(one, weights), ...learnedSettings(one, weights)])
      .map(({ setting }) => setting)
    const files = settings.map((setting) => keptFile(one, setting).split('/').at(-1))
    expect(new Set(files).size).toBe(new Set(settings).size)
    expect(files.filter((name) => !/^[\w.-]+\.onnx$/.test(name ?? ''))).toEqual([])
  }
})

test('packs whatever runs in 8 bits, and of other files those of texts', () => {
  for (const one of outsideCases) {
    const kinds = plannedSettings(one, {}).map(({ kind }) => kind)
    expect(kinds.includes('8-bit packed')).toBe(one.float32)
    expect(kinds.includes('packed')).toBe(!one.float32)
  }
})

test('makes the plan of a setting again from its text', () => {
  const plans = outsideCases
    .flatMap((one) => [{}, { reduceRange: true }].flatMap((weights) => plannedSettings(one, weights)))
    .filter(({ kind }) => kind !== 'random')
    .flatMap((planned) => planned.plans)
  for (const plan of plans) expect(planOf(settingText(plan))).toEqual(plan)
  expect(planOf('random 0.7 in layers 4, 8, 5 seeds')).toBeUndefined()
  expect(planOf('random 0.7 in layers 4, 8')).toEqual({ format: 1, method: 'random', layers: [4, 8], keep: [0.7, 0.7] })
  expect(planOf('cls-attention 0.6, 0.5 in layers 5, 8, without layers 3, 11, 8 bits, packed')).toEqual({
    ...{ format: 1, method: 'cls-attention', layers: [5, 8], keep: [0.6, 0.5], leaveOut: [3, 11] },
    ...{ quantize: {}, pack: true },
  })
  for (const text of ['', 'nothing changed, packed', 'OpenVINO, bf16']) expect(planOf(text)).toBeUndefined()
})
