import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { add, constant, gather, input, matmul, softmax, swapLast } from '@tp/core'
import { decodeModel, emitModel, encodeModel, Graph } from '@tp/onnx'
import { speechEncoder, speechSizes } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
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

  test('says that a decoder reads any number of states, and writes states of the kept positions alone', async () => {
    const { code, stdout } = await prune('--decoder', folder.at('free.onnx'), '--decoder-out', folder.at('none.onnx'))
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^decoder .*free\.onnx reads any number of states/m)])
    expect(existsSync(folder.at('none.onnx'))).toBe(false)
    const { outputs } = new Graph(decodeModel(readFileSync(folder.at('pruned.onnx'))))
    expect(outputs.map(({ name }) => name)).toContain('tp.positions')
  })

  test('writes one that reads as many as were built in so that it reads any number, verified', async () => {
    const out = folder.at('repaired.onnx')
    const { code, stdout } = await prune(
      '--decoder',
      folder.at('fixed.onnx'),
      '--decoder-out',
      out,
      '--verify',
      '--json',
    )
    expect(code).toBe(0)
    const { decoder: report } = JSON.parse(stdout)
    expect(report).toMatchObject({ builtIn: STATES, out })
    expect(report.verification.difference).toBeLessThan(1e-5)
    const states = new Graph(decodeModel(readFileSync(out))).inputs.find(({ dims }) => dims?.length === 3)
    expect(states?.dims?.[1]).toBeTypeOf('string')
  })

  test('repairs none for a plan that says nothing of restoring: it means every state', async () => {
    const plan = folder.at('plan.json')
    await writeFile(plan, JSON.stringify({ format: 1, method: 'stride', layers: [0], keep: 0.5 }))
    const args = ['prune', folder.at('encoder.onnx'), '-o', folder.at('planned.onnx'), '--plan', plan]
    const refused = await tpHere([...args, '--decoder', folder.at('free.onnx')])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('restore is auto')])
    expect(await tpHere(args)).toMatchObject({ code: 0 })
    const { outputs } = new Graph(decodeModel(readFileSync(folder.at('planned.onnx'))))
    expect(outputs.map(({ name, dims }) => [name, dims?.[1]])).toEqual([['last_hidden_state', STATES]])
  })

  test('says that a decoder weighs rows alike where pruned ones are left out', async () => {
    const note = 'weighs a row that stands for many like any other, and may repeat itself'
    expect((await prune('--set', 'restore=none')).stdout).toContain(note)
    expect((await prune()).stdout).not.toContain(note)
  })

  test.each<[string, string[], number, RegExp]>([
    ['no file for a repaired decoder', ['fixed.onnx'], 2, /has 24 states built in.*--decoder-out FILE/],
    [
      'a number for each state',
      ['numbered.onnx', '--decoder-out', 'x.onnx'],
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
    ['an encoder as a decoder', ['encoder.onnx'], 4, /no input with states of an encoder/],
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
