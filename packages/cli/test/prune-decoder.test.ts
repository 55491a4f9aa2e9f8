import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { readsWeights, weighedChannel } from '@tp/compiler'
import { add, constant, gather, input, matmul, neg, softmax, swapLast } from '@tp/core'
import { decodeModel, emitModel, encodeModel, Graph } from '@tp/onnx'
import { decoderPath } from 'exported-decoders'
import { speechEncoder, speechSizes } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailEmbedder } from './small-models.ts'
import { temporaryFolder, tpHere } from './tp.ts'

const { tokens: STATES, hidden: WIDTH } = speechSizes
const folder = temporaryFolder()

/** Logits by each token's attention over the states. `biases`: what is added to the scores of each. */
function decoder(count: number | string, width = WIDTH, biases = [0]): Uint8Array {
  const numbers = (size: number): number[] => Array.from({ length: size }, (_, i) => Math.sin(7 * i))
  const ids = input('input_ids', 'int64', ['batch', 'n'])
  const states = input('encoder_hidden_states', 'float32', ['batch', count, width])
  const queries = gather(constant(numbers(5 * width), 'float32', [5, width]), ids, 0)
  const scores = add(matmul(queries, swapLast(states)), constant(biases, 'float32', [1, 1, biases.length]))
  const logits = matmul(matmul(softmax(scores), states), constant(numbers(5 * width), 'float32', [width, 5]))
  return emitModel({ logits }, { opset: 17 })
}

describe('tp prune of an encoder with its decoder', () => {
  beforeAll(async () => {
    await writeFile(folder.at('encoder.onnx'), encodeModel(speechEncoder({ reads: 'frames' })))
    await writeFile(folder.at('free.onnx'), decoder('encoder_sequence_length'))
    await writeFile(folder.at('fixed.onnx'), decoder(STATES))
    await writeFile(folder.at('numbered.onnx'), decoder(STATES, WIDTH, [...Array(STATES).keys()]))
    await writeFile(folder.at('other.onnx'), decoder(STATES, 2 * WIDTH))
  })
  const prune = (...args: string[]): ReturnType<typeof tpHere> => {
    const method = ['--method', 'stride', '--layers', '0', '--keep', '0.5']
    return tpHere(['prune', folder.at('encoder.onnx'), '-o', folder.at('pruned.onnx'), ...method, ...args])
  }

  test('writes a decoder that weighs states next to states of the kept positions alone', async () => {
    const out = folder.at('weighs.onnx')
    const { code, stdout } = await prune('--decoder', folder.at('free.onnx'), '--decoder-out', out)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^decoder .*weighs\.onnx .*; it weighs each state/m)])
    expect(stdout).toMatch(/^verified on .*largest difference \S+, next to the old file with each state several times/m)
    expect(readsWeights(decodeModel(readFileSync(out)))).toBeTypeOf('number')
    const { outputs } = new Graph(decodeModel(readFileSync(folder.at('pruned.onnx'))))
    expect(outputs.map(({ name }) => name)).toEqual(expect.arrayContaining(['tp.weights', 'tp.positions']))
  })

  test('does so, thinning padding, for a merged decoder and one with past where no option says how to prune', {
    tags: 'exhaustive',
  }, async () => {
    for (const name of ['whisper-merged', 'whisper-past'] as const) {
      const [out, reader] = [folder.at(`${name}.encoder.onnx`), folder.at(`${name}.onnx`)]
      const files = ['--decoder', decoderPath(name), '--decoder-out', reader, '--json']
      const { code, stdout } = await tpHere(['prune', decoderPath('whisper-encoder'), '-o', out, ...files])
      expect(code).toBe(0)
      const { method, decoder: report } = JSON.parse(stdout)
      expect([method, report.weighs]).toEqual(['thin-padding', true])
      expect(report.verification.difference).toBeLessThan(5e-5)
      expect(weighedChannel(decodeModel(readFileSync(out)))).toBe(readsWeights(decodeModel(readFileSync(reader))))
    }
  })

  test('says without weights that a decoder reads any number of states, and leaves it as it is', async () => {
    const files = ['--decoder', folder.at('free.onnx'), '--decoder-out', folder.at('none.onnx')]
    const { code, stdout } = await prune(...files, '--set', 'restore=none')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^decoder .*free\.onnx reads any number of states/m)])
    expect(existsSync(folder.at('none.onnx'))).toBe(false)
  })

  test('writes one that reads as many as were built in so that it reads any number, verified', async () => {
    for (const how of ['none', 'weighed']) {
      const out = folder.at(`repaired-${how}.onnx`)
      const files = ['--decoder', folder.at('fixed.onnx'), '--decoder-out', out, '--set', `restore=${how}`]
      const { code, stdout } = await prune(...files, '--json')
      expect(code).toBe(0)
      const { decoder: report } = JSON.parse(stdout)
      expect(report).toMatchObject({ builtIn: STATES, out })
      expect(report.verification.difference).toBeLessThan(1e-5)
      const states = new Graph(decodeModel(readFileSync(out))).inputs.find(({ dims }) => dims?.length === 3)
      expect(states?.dims?.[1]).toBeTypeOf('string')
    }
  })

  test('restores pruned positions next to a decoder that cannot weigh them, and says why', async () => {
    const files = ['--decoder', folder.at('numbered.onnx'), '--decoder-out', folder.at('none.onnx')]
    const { code, stdout } = await prune(...files)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/left as it is.*each of the 24 states meets an entry/)])
    expect(existsSync(folder.at('none.onnx'))).toBe(false)
    const { outputs } = new Graph(decodeModel(readFileSync(folder.at('pruned.onnx'))))
    expect(outputs.map(({ name, dims }) => [name, dims?.[1]])).toEqual([['last_hidden_state', STATES]])
  })

  test('restores pruned tokens of a text so, too, and says nothing else of their rows', async () => {
    await writeFile(folder.at('texts.onnx'), mailEmbedder())
    const states = input('encoder_hidden_states', 'float32', ['batch', 'encoder_sequence_length', 128])
    await writeFile(folder.at('last.onnx'), emitModel({ logits: neg(states) }, { opset: 17 }))
    const pruneTexts = (...args: string[]): ReturnType<typeof tpHere> =>
      tpHere(['prune', folder.at('texts.onnx'), '--method', 'received-attention', '--keep', '0.6', ...args])
    const files = ['--decoder', folder.at('last.onnx'), '--decoder-out', folder.at('none.onnx')]
    const { code, stdout } = await pruneTexts('-o', folder.at('read.onnx'), ...files)
    expect([code, stdout]).toEqual([0, expect.stringContaining('pruned positions get the rows of their neighbors')])
    expect(stdout).toContain('a pruned token has the row of its nearest kept neighbor')
    expect(stdout).not.toContain('the mean of the kept ones')
    await pruneTexts('-o', folder.at('near.onnx'), '--set', 'restore=nearest')
    expect(readFileSync(folder.at('read.onnx'))).toEqual(readFileSync(folder.at('near.onnx')))
  })

  test('says that a decoder weighs rows alike where pruned ones are left out', async () => {
    const note = 'weighs a row that stands for many like any other, and may repeat itself'
    expect((await prune('--set', 'restore=none')).stdout).toContain(note)
    expect((await prune()).stdout).not.toContain(note)
  })

  test.each<[string, string[], number, RegExp]>([
    ['no file for a changed decoder', ['free.onnx'], 2, /changed to weigh each state.*--decoder-out FILE/],
    [
      'no file for a repaired decoder',
      ['fixed.onnx', '--set', 'restore=none'],
      2,
      /24 states built in.*--decoder-out FILE/,
    ],
    [
      'a number for each state',
      ['numbered.onnx', '--decoder-out', 'x.onnx', '--set', 'restore=weighed'],
      4,
      /each of the 24 states meets an entry/,
    ],
    ['states of another size', ['other.onnx', '--decoder-out', 'x.onnx'], 1, /states of \d+ numbers.*belongs to it/],
    [
      'restored positions',
      ['fixed.onnx', '--set', 'restore=auto'],
      2,
      /restore is auto, and with it every decoder reads/,
    ],
    ['an encoder as a decoder', ['encoder.onnx', '--set', 'restore=none'], 4, /no input with states of an encoder/],
  ])('refuses %s, and writes nothing', async (_, [file = '', ...others], expected, message) => {
    const out = folder.at('pruned.onnx')
    await writeFile(out, 'before')
    const paths = others.map((arg) => (arg.endsWith('.onnx') ? folder.at(arg) : arg))
    const { code, stderr } = await prune('--decoder', folder.at(file), ...paths)
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)])
    expect(readFileSync(out, 'utf8')).toBe('before')
    expect(existsSync(folder.at('x.onnx'))).toBe(false)
  })

  test('--decoder-out alone is refused', async () => {
    const { code, stderr } = await prune('--decoder-out', folder.at('x.onnx'))
    expect([code, stderr]).toEqual([2, expect.stringContaining('--decoder-out requires --decoder FILE')])
  })
})
