import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { folder, model, read, timeout, withSentences } from './learning-folder.ts'
import { tpHere } from './tp.ts'

withSentences()

const twoTexts = (): string => folder.at('two-texts.tsv')
const options = ['--method', 'stride', '--keep', '0.5'] as const

beforeAll(() => {
  const rows = read('train.tsv')
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
  const write = (name: string, header: string, line: (label: string, text: string, i: number) => string): void =>
    writeFileSync(
      folder.at(name),
      [header, ...rows.map(([label = '', text = ''], i) => line(label, text, i))].join('\n'),
    )
  write('three.tsv', 'index\tsentence\tlabel', (label, text, i) => `${i}\t${text}\t${label}`)
  write('three.csv', 'label,id,text', (label, text, i) => `${label},${i},"${text}"`)
  write('two-texts.tsv', 'first\tsecond\tlabel', (label, text) => `good\t${text}\t${label}`)
})

describe('a table with several columns', () => {
  const accuracy = async (...args: string[]): Promise<number> => {
    const { code, stdout, stderr } = await tpHere(['eval', model(), '--json', ...args])
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    return JSON.parse(stdout).rows[0].accuracy
  }

  test('gives the numbers of a table with two columns', { timeout }, async () => {
    const expected = await accuracy('--data', folder.at('train.tsv'))
    expect(await accuracy('--data', folder.at('three.tsv'))).toBe(expected)
    expect(await accuracy('--data', folder.at('three.csv'))).toBe(expected)
    expect(await accuracy('--data', twoTexts(), '--read', 'textColumn=second')).toBe(expected)
  })

  test.each<[string, () => string[]]>([
    ['eval', () => ['eval', model()]],
    ['explain', () => ['explain', model()]],
    ['optimize', () => ['optimize', model(), '--plan-out', folder.at('plan.json')]],
    ['train', () => ['train', model(), '-o', folder.at('t.onnx'), ...options, '--selection', folder.at('dev.tsv')]],
    ['calibrate', () => ['calibrate', folder.at('pruned.onnx'), '--against', model(), '-o', folder.at('g.json')]],
  ])('%s refuses a table whose text column is unclear, with what to do', { timeout }, async (command, args) => {
    if (command === 'calibrate') {
      expect((await tpHere(['prune', model(), '-o', folder.at('pruned.onnx'), ...options])).code).toBe(0)
    }
    const { code, stderr } = await tpHere([...args(), '--data', twoTexts()])
    expect(stderr).toContain('its columns are "first", "second", "label"')
    expect(stderr).toContain('textColumn')
    expect([code, stderr]).toEqual([1, expect.stringContaining('code: TP_DATA')])
  })

  test('names columns of a table only', { timeout }, async () => {
    const tokens = ['eval', model(), '--data', folder.at('train.tsv'), '--task', 'tokens', '--read', 'textColumn=1']
    const { code, stderr } = await tpHere(tokens)
    expect([code, stderr]).toEqual([2, expect.stringContaining('textColumn does not go with the task tokens')])
  })
})
