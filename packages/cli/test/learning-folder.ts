import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomNumbers } from '@tp/core/statistics'
import { beforeAll } from 'vitest'
import { words, wordTokenizer } from './small-models.ts'
import { fixture, temporaryFolder } from './tp.ts'

let current: ReturnType<typeof temporaryFolder>
/** The folder of the file that runs: modules outlive it, where files share a process. */
export const folder: Pick<typeof current, 'at' | 'files'> = {
  at: (...parts) => current.at(...parts),
  files: () => current.files(),
}
export const timeout = 120_000

/** An encoder of three layers and five classes. */
export const model = (): string => folder.at('bert', 'model.onnx')

/** A model and sentences whose first word tells which class they are, made before the tests of a file run. */
export function withSentences(): void {
  current = temporaryFolder()
  beforeAll(() => {
    mkdirSync(folder.at('bert'))
    copyFileSync(fixture('bert-cls-eager-ts11'), model())
    writeFileSync(folder.at('bert', 'tokenizer.json'), wordTokenizer())
    writeFileSync(folder.at('train.tsv'), sentences(24, 1))
    writeFileSync(folder.at('dev.tsv'), sentences(12, 2))
  })
}

function sentences(count: number, seed: number): string {
  const random = randomNumbers(seed)
  const lines = Array.from({ length: count }, (_, i) => {
    const own = Array.from({ length: 3 + Math.floor(random() * 9) }, () => words[5 + Math.floor(random() * 4)])
    return `${i % 5}\t${[words[4 + (i % 5)], ...own].join(' ')}\n`
  })
  return lines.join('')
}

const data = (): string[] => ['--data', folder.at('train.tsv'), '--selection', folder.at('dev.tsv')]

export function train(method: string, out: string, ...more: string[]): string[] {
  return ['train', model(), '-o', folder.at(out), '--method', method, ...data(), ...more]
}

/** A training of a pruned model that takes a moment. */
export function trainBriefly(out: string, ...more: string[]): string[] {
  const pruning = ['--layers', '0', '--keep', '0.1']
  return train('received-attention', out, ...pruning, '--set', 'batchSize=8', '--set', 'learningRate=1e-4', ...more)
}

export function learn(out: string, ...more: string[]): string[] {
  return train('ltp', out, '--set', 'batchSize=8', '--set', 'learningRate=1e-4', '--set', 'methodRate=0.02', ...more)
}

export const read = (...parts: string[]): Buffer => readFileSync(folder.at(...parts))
export const checkpoints = (): string[] => folder.files().filter((name) => name.includes('checkpoint'))
