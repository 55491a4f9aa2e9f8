import { readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkpoints, folder, timeout, trainBriefly, withSentences } from './learning-folder.ts'
import { tp, tpHere } from './tp.ts'

withSentences()

const args = (out: string, ...more: string[]): string[] => trainBriefly(out, '--set', 'epochs=1', ...more)

describe('a training that is interrupted before its first step', () => {
  beforeAll(async () => {
    expect((await tpHere(args('whole.onnx'))).code).toBe(0)
  }, timeout)

  test.each([
    ['running the dense model on the selection', 'b'],
    ['fine-tuning', 'd'],
  ])('while %s keeps its options, and resumes to the same bytes', { timeout }, async (stage, name) => {
    const out = `${name}.onnx`
    const { code, stderr } = await tp(args(out), {
      onError: (text, kill) => void (text.includes(`${stage} …`) && kill('SIGINT')),
    })
    expect(code).toBe(130)
    expect(stderr).toMatch(
      /\.checkpoint holds the (answers of the dense model|learned weights); run the same command with --resume to continue/,
    )
    expect(checkpoints()).toContain(`${out}.answers.checkpoint`)
    const rest = await tpHere(args(out, '--resume'))
    expect([rest.code, rest.stderr]).toEqual([0, expect.any(String)])
    expect(readFileSync(folder.at(out)).equals(readFileSync(folder.at('whole.onnx')))).toBe(true)
    expect(checkpoints()).toEqual([])
  })

  test('asks the dense model only what it has not asked', { timeout }, async () => {
    await tp(args('e.onnx'), { onError: (text, kill) => void (text.includes('fine-tuning …') && kill('SIGINT')) })
    const path = folder.at('e.onnx.answers.checkpoint')
    const bytes = readFileSync(path)
    const end = bytes.indexOf('\n') + 1
    const { parts } = JSON.parse(bytes.subarray(0, end).toString())
    expect(parts).toEqual([
      ['teacher from 0', 'f32', 24 * 5],
      ['quality', 'f64', 1],
    ])
    // Another answer than the model gives, which is taken as its own.
    bytes.writeDoubleLE(12.5, bytes.length - 8)
    writeFileSync(path, bytes)
    const { stdout } = await tpHere(args('e.onnx', '--resume', '--json'))
    expect(JSON.parse(stdout).selection.dense).toBe(12.5)
  })

  test('refuses answers of another training, and damaged ones', { timeout }, async () => {
    await tp(args('f.onnx'), { onError: (text, kill) => void (text.includes('fine-tuning …') && kill('SIGINT')) })
    const other = await tpHere([...args('f.onnx', '--resume'), '--limit', '20'])
    expect(other.stderr).toMatch(/they belong to another training \(another data\)[\s\S]*code: TP_RESUME/)
    const path = folder.at('f.onnx.answers.checkpoint')
    const bytes = readFileSync(path)
    for (const damaged of [bytes.subarray(0, bytes.length - 3), Buffer.from('half'), Buffer.from('{"format":1}\n')]) {
      writeFileSync(path, damaged)
      const { code, stderr } = await tpHere(args('f.onnx', '--resume'))
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/they are damaged; start over\nsee \S+\ncode: TP_RESUME/),
      ])
    }
  })
})
