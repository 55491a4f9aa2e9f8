import { readFileSync } from 'node:fs'
import { baselines, type MethodEntry } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as gradient } from '@tp/method-gradient'
import { methods as hybrid } from '@tp/method-hybrid'
import { modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { actsFirst, kindOf, learnableFor, variantsFor } from './kind.ts'

const methods: readonly MethodEntry[] = [...baselines, ...attention, ...hybrid]
const namesFor = (kind: Parameters<typeof variantsFor>[0], own = methods): string[] =>
  variantsFor(kind, own).map(({ entry }) => entry.name)

test('tries what the recipes of methods say for the kind of model', () => {
  expect(kindOf(decodeModel(readFileSync(modelPath('digits-vit'))), 'classification')).toEqual({
    inputs: 'images',
    answers: 'classes',
  })
  expect(namesFor({ inputs: 'images', answers: 'classes' })).toEqual([
    'quasi-random',
    'received-attention',
    'cls-attention',
    'tome',
  ])
  expect(namesFor({ inputs: 'texts', answers: 'scores' })).toEqual(['cls-attention', 'tome'])
  expect(namesFor({ inputs: 'texts', answers: 'tags' })).toEqual([])
})

test('lets a method that needs no schedule act before others where words are written down', () => {
  expect(namesFor({ inputs: 'recordings', answers: 'words' })).toEqual([
    'stride',
    'a-tome',
    'thin-padding',
    'thin-padding+stride',
  ])
})

test('tells methods apart that have to learn first', () => {
  const kind = { inputs: 'texts', answers: 'classes' } as const
  expect(learnableFor(kind, [...methods, ...gradient]).map(({ entry }) => entry.name)).toEqual(['sdtp'])
  expect(namesFor(kind, [...methods, ...gradient])).not.toContain('sdtp')
})

test('takes the recipes of any package', () => {
  const own: MethodEntry = {
    ...(methods[0] as MethodEntry),
    name: 'own',
    recipes: [{ inputs: ['texts'], answers: ['classes'], layers: ['middle'], evidence: 'a paper' }],
  }
  expect(variantsFor({ inputs: 'texts', answers: 'classes' }, [own])).toMatchObject([
    { entry: own, layers: ['middle'] },
  ])
  expect(namesFor({ inputs: 'images', answers: 'classes' }, [own])).toEqual([])
})

test('drops padding where all inputs have one length', () => {
  const kind = { inputs: 'texts', answers: 'tags' } as const
  expect(namesFor({ ...kind, isFixed: true })).toEqual(['drop-padding'])
  const [variant] = variantsFor({ ...kind, isFixed: true }, methods)
  expect(variant && actsFirst(variant)).toBe(true)
})
