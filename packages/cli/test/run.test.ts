import { readFileSync, writeFileSync } from 'node:fs'
import { mailData, modelPath } from '@tp/models'
import { beforeAll, describe, expect, test } from 'vitest'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const ROWS = 60

beforeAll(() => {
  const texts = mailData('test').map(({ text }) => text.slice(0, 400))
  const lines = texts.slice(0, ROWS).map((text, id) => JSON.stringify({ id, text }))
  writeFileSync(folder.at('mails.jsonl'), `${lines.join('\n')}\n`)
})

const args = (out: string, ...more: string[]): string[] => {
  const data = ['--data', folder.at('mails.jsonl'), '-o', folder.at(out), '--threads', '1']
  return ['run', mail, ...data, ...more]
}

describe('run', () => {
  test('says what it is at, and what it has written', async () => {
    const { code, stdout, stderr } = await tpHere(args('labels.jsonl'))
    expect({ code, stdout }).toEqual({ code: 0, stdout: `wrote ${folder.at('labels.jsonl')}: 60 rows in 1 shard\n` })
    expect(stderr.trimEnd().split('\n')).toEqual([
      `reading ${folder.at('mails.jsonl')}`,
      'running model.onnx',
      `writing ${folder.at('labels.jsonl')}`,
    ])
    expect(JSON.parse(readFileSync(folder.at('labels.jsonl'), 'utf8').split('\n')[3] as string)).toEqual({
      id: 3,
      label: expect.stringMatching(/^(ham|spam)$/),
      score: expect.any(Number),
    })
  })

  test('prunes by a plan first, and falls back as its cascade says, alone or as the guard of the pruned file', {
    tags: 'exhaustive',
  }, async () => {
    const plan = { format: 1, method: 'received-attention', layers: [0], keep: 0.05 }
    const cascade = { uncertainty: 'probability', threshold: 0, share: 1 }
    writeFileSync(folder.at('plan.json'), JSON.stringify(plan))
    writeFileSync(folder.at('tuned.json'), JSON.stringify({ format: 1, regimes: [{ plan }], cascade, figures: {} }))
    await tpHere(['prune', mail, '--plan', folder.at('plan.json'), '-o', folder.at('pruned.onnx')])
    const answers = async (name: string, ...more: string[]): Promise<string> => {
      const { code, stderr } = await tpHere(args(name, ...more))
      expect([code, stderr]).toEqual([0, expect.any(String)])
      return readFileSync(folder.at(name), 'utf8')
    }
    const planned = await answers('planned.jsonl', '--plan', folder.at('plan.json'))
    const dense = await answers('dense.jsonl')
    expect(planned).not.toBe(dense)
    const labels = (text: string): string => text.replaceAll(/,"score[^}]*/g, '')
    expect(labels(await answers('cascade.jsonl', '--plan', folder.at('tuned.json')))).toBe(labels(dense))
    const guard = argv`--guard ${folder.at('tuned.json')} --against ${mail} --read tokenizer=${modelPath('mail', 'tokenizer')}`
    const alone = ['run', folder.at('pruned.onnx'), ...args('').slice(2, 4), '-o', folder.at('guarded.jsonl')]
    expect(await tpHere([...alone, ...guard, '--read', 'labels=ham,spam'])).toMatchObject({ code: 0 })
    expect(labels(readFileSync(folder.at('guarded.jsonl'), 'utf8'))).toBe(labels(dense))
  })

  test.each([
    [['run', mail, '-o', 'x.jsonl'], '--data PATH is missing'],
    [['run', mail, '--data', 'x.jsonl'], '-o OUT is missing'],
    [['run', mail, '--data', 'x.jsonl', '-o', 'y.jsonl', '--task', 'asr'], '--task is "asr"'],
    [['run', mail, '--data', 'x.jsonl', '-o', 'y.jsonl', '--folder', '.'], '--folder requires --queue URL'],
    [
      ['run', mail, '--data', 'x.jsonl', '-o', 'y.jsonl', '--queue', 'redis://x', '--threads', '1'],
      '--threads is for tp worker',
    ],
    [['run', mail, '--data', 'x.jsonl', '-o', 'y.jsonl', '--guard', 'g.json'], '--guard requires --against DENSE'],
    [['run', mail, '--data', 'x.jsonl', '-o', 'y.csv'], 'it has to end in .jsonl, .ndjson, .npy, .parquet'],
    [['worker'], '--queue URL is missing'],
    [['worker', '--queue', 'localhost:6379'], 'the queue is "localhost:6379"; give a URL'],
  ])('%j is refused', async (command, message) => {
    const { code, stderr } = await tpHere(command)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
