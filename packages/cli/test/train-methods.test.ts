import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readProvenance } from '@tp/compiler'
import { decodeModel } from '@tp/onnx'
import { beforeAll, expect, test } from 'vitest'
import { loadMethods } from '../src/plugins/load-methods.ts'
import { words, wordTokenizer } from './small-models.ts'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()

/** An encoder of three layers and five classes, and sentences of each. */
beforeAll(() => {
  mkdirSync(folder.at('bert'))
  copyFileSync(fixture('bert-cls-eager-ts11'), folder.at('bert', 'model.onnx'))
  writeFileSync(folder.at('bert', 'tokenizer.json'), wordTokenizer())
  const sentences = [0, 1, 2, 3, 4].map((label) => `${label}\t${words.slice(4).join(' ')} ${words[4 + label]}\n`)
  writeFileSync(folder.at('texts.tsv'), sentences.join(''))
  writeFileSync(folder.at('others.tsv'), sentences.map((line) => line.replace('\n', ` ${words[4]}\n`)).join(''))
})

const learning = [...(await loadMethods()).values()].filter(({ entry }) => entry.create().training !== undefined)

// To find what to merge costs more than the layers of this encoder: no share can be aimed at.
const target = (family: string): string[] => (family === 'hybrid' ? [] : ['--target-flops', '0.8'])

for (const [i, { entry }] of learning.entries()) {
  const { name: method, family } = entry
  // The first of each family in the ordinary run; ltp is what train-learn.test.ts trains.
  const isFirst = method !== 'ltp' && learning.findIndex((other) => other.entry.family === family) === i
  test(`${method} learns from the command line alone`, {
    timeout: 120_000,
    tags: isFirst ? [] : 'exhaustive',
  }, async () => {
    const data = ['--data', folder.at('texts.tsv'), '--selection', folder.at('others.tsv')]
    const out = folder.at(`${method}.onnx`)
    const { code, stderr } = await tpHere([
      ...['train', folder.at('bert', 'model.onnx'), '-o', out, '--method', method, ...data],
      ...['--set', 'epochs=1', '--set', 'hardEpochs=1', ...target(family)],
    ])
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    expect(readProvenance(decodeModel(readFileSync(out)))[0]?.method).toBe(method)
  })
}

test('finds methods that learn', () => {
  expect(learning.length).toBeGreaterThan(8)
})
