import { expect, test } from 'vitest'
import { outsideCases } from './cases.ts'
import { keptFile } from './measure-own.ts'
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
