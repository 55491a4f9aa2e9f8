import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { checkRegimes } from '@tp/compiler'
import { encodeModel } from '@tp/onnx'
import { speechEncoder, speechSizes } from 'exported-encoders'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { addSpeechFiles } from './speech-folder.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

// Every candidate is decoded and timed.
vi.setConfig({ testTimeout: 240_000 })

const folder = temporaryFolder()
const sayings = ['one two', 'three', 'four four one', 'two three']

describe('tp optimize of an encoder of speech', () => {
  beforeAll(async () => {
    await writeFile(folder.at('encoder_model.onnx'), encodeModel(speechEncoder({ reads: 'frames' })))
    const recordings = Array.from({ length: 42 }, (_, i) => [0.06 + 0.01 * i, sayings[i % 4] as string] as const)
    await addSpeechFiles(folder.at, speechSizes, recordings)
    const lines = readFileSync(folder.at('transcripts.tsv'), 'utf8').split('\n')
    await writeFile(folder.at('few.tsv'), lines.slice(0, 10).join('\n'))
  })
  const tune = (...args: string[]): ReturnType<typeof tpHere> =>
    tpHere(['optimize', folder.at('encoder_model.onnx'), '--plan-out', folder.at('plan.json'), ...args])
  const decoder = (): string[] => ['--decoder', folder.at('decoder_model.onnx')]

  test('writes a plan that was chosen on half of the recordings and verified on the others', {
    tags: 'exhaustive',
  }, async () => {
    const data = ['--data', folder.at('transcripts.tsv'), '--max-loss', '100']
    const { code, stdout, stderr } = await tune(...decoder(), ...data, '--json')
    expect(stderr).not.toContain('TP_')
    const { plan, verdict } = JSON.parse(stdout)
    expect(code).toBe(verdict.passed ? 0 : 3)
    const { regimes } = checkRegimes(JSON.parse(readFileSync(folder.at('plan.json'), 'utf8')), 'plan')
    expect(plan.regimes).toEqual(regimes)
    const { figures } = plan
    expect(figures).toMatchObject({ examples: 21, maxLoss: 100, data: folder.at('transcripts.tsv') })
    // So small a model may be faster dense.
    const [{ plan: chosen }] = regimes as [(typeof regimes)[number]]
    if (chosen.method === 'none') return expect(figures.grid).toEqual([])
    expect(chosen.restore).toBeUndefined()
    expect(figures.loss.estimate).toBeLessThanOrEqual(100)
    expect(figures.grid[0].speedup).toBeGreaterThanOrEqual(1)
    const args = ['prune', folder.at('encoder_model.onnx'), '--plan', folder.at('plan.json'), '-o', folder.at('p.onnx')]
    expect(await tpHere(args)).toMatchObject({ code: 0 })
    // Its decoder cannot weigh states, so it was chosen with every state restored.
    expect(await tpHere([...args, ...decoder(), '--decoder-out', folder.at('d.onnx')])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is left as it is'),
    })
  })

  test.each<[string, string[], number, RegExp]>([
    ['no decoder', ['--task', 'asr'], 2, /--task asr requires --decoder FILE/],
    ['another task', ['--task', 'ranking', '--decoder', 'decoder_model.onnx'], 2, /--decoder is for --task asr/],
    ['an option of classes', ['--decoder', 'decoder_model.onnx', '--confident'], 2, /--confident does not go/],
    ['few recordings', ['--decoder', 'decoder_model.onnx'], 1, /10 recordings are too few.*give 40 or more/],
  ])('refuses %s, and writes nothing', async (_, options, expected, message) => {
    const args = argv`${options.map((arg) => (arg.endsWith('.onnx') ? folder.at(arg) : arg))} --data ${folder.at('few.tsv')}`
    const out = folder.at('none.json')
    const { code, stderr } = await tpHere(['optimize', folder.at('encoder_model.onnx'), '--plan-out', out, ...args])
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)])
    expect(existsSync(out)).toBe(false)
  })
})
