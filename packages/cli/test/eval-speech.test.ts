import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeModel, Graph } from '@tp/onnx'
import { fixturesFolder } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { addSpeechFiles } from './speech-folder.ts'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const exported = join(fixturesFolder, 'whisper-encoder-ts17', 'model.onnx')

describe('tp eval of an encoder of speech', () => {
  const encoder = (): string => folder.at('encoder_model.onnx')
  beforeAll(async () => {
    await copyFile(exported, encoder())
    const [{ dims = [] } = {}] = new Graph(decodeModel(readFileSync(exported))).inputs
    const [, mels, frames] = dims as [unknown, number, number]
    const sizes = { mels, frames, hidden: 32 }
    await addSpeechFiles(folder.at, sizes, [
      [0.1, 'one two'],
      [0.3, 'three four one'],
      [0.5, 'two'],
    ])
  })

  const evaluate = (...args: string[]): ReturnType<typeof tpHere> =>
    tpHere(['eval', encoder(), '--data', folder.at('transcripts.tsv'), ...args])

  test('says how many words are wrong, and how many states the decoder reads', async () => {
    const methods = ['--methods', 'thin-padding,stride', '--layers', '0', '--keep', '0.5', '--set', 'restore=none']
    const { code, stdout, stderr } = await evaluate(
      '--decoder',
      folder.at('decoder_model.onnx'),
      ...methods,
      '--param',
      'every=4',
      '--json',
    )
    expect(stderr).not.toContain('TP_')
    expect(code).toBe(0)
    const { task, examples, rows } = JSON.parse(stdout)
    expect({ task, examples }).toEqual({ task: 'asr', examples: 3 })
    const [dense, none, thinned, half] = rows
    expect(none.wer).toEqual(dense.wer)
    expect(dense.wer.estimate).toBeGreaterThanOrEqual(0)
    expect(thinned.states).toBeLessThan(dense.states)
    expect(half.states).toBe(dense.states / 2)
    expect([dense, half].map(({ states, stateBytes }) => stateBytes / states)).toEqual([4 * 32, 4 * 32])
    expect(half.encoder.speedup.value).toBeGreaterThan(0)
    expect(half.soundPerSecond).toBeGreaterThan(0)
  })

  test.each<[string, string[], RegExp]>([
    ['without a decoder', ['--task', 'asr'], /--task asr requires --decoder FILE/],
    ['another task with a decoder', ['--task', 'embeddings', '--decoder', exported], /--decoder is for --task asr/],
    ['a decoder of something else', ['--decoder', exported], /is not a decoder of speech: it has no input input_ids/],
    ['a column', ['--decoder', exported, '--read', 'textColumn=text'], /textColumn does not go with the task asr/],
  ])('refuses %s', async (_, args, message) => {
    const { code, stderr } = await evaluate(...args)
    expect(code).not.toBe(0)
    expect(stderr).toMatch(message)
  })
})
