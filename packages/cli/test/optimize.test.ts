import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { checkRegimes, type RunPlan } from '@tp/compiler'
import { mailData, modelPath } from '@tp/models'
import type { OptimizedPlan } from '@tp/optimize'
import { beforeAll, describe, expect, test } from 'vitest'
import { describePlan } from '../src/printing/plan-text.ts'
import { words, wordTokenizer } from './small-models.ts'
import { argv, fixture, temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const timeout = 240_000
const usual = [
  ['--methods', 'received-attention'],
  ['--max-loss', '100'],
  ['--shapes', '1x12'],
] as const
const tune = (out: string, ...more: string[]): string[] => [
  ...['optimize', folder.at('model.onnx'), '--data', folder.at('data.tsv'), '--plan-out', folder.at(out)],
  ...more,
  ...usual.flatMap(([name, value]) => (more.includes(name) ? [] : [name, value])),
]
const tuneMails = (out: string, ...more: string[]): string[] => [
  ...argv`optimize ${folder.at('mail', 'model.onnx')} --data ${folder.at('mail', 'data.tsv')} --plan-out ${folder.at(out)}`,
  ...['--max-loss', '100', '--shapes', '1x64', ...more],
]
const planAt = (name: string): RunPlan => checkRegimes(JSON.parse(readFileSync(folder.at(name), 'utf8')), name)

beforeAll(() => {
  mkdirSync(folder.at('other'))
  copyFileSync(fixture('bert-cls-eager-ts11'), folder.at('model.onnx'))
  writeFileSync(folder.at('tokenizer.json'), wordTokenizer())
  const sentence = (i: number): string =>
    Array.from({ length: 4 + (i % 8) }, (_, j) => words[5 + ((i * 7 + j * (3 + Math.floor(i / 40))) % 4)]).join(' ')
  // Large enough that pruned tokens save time on any machine.
  mkdirSync(folder.at('mail'))
  copyFileSync(modelPath('mail'), folder.at('mail', 'model.onnx'))
  copyFileSync(modelPath('mail', 'tokenizer'), folder.at('mail', 'tokenizer.json'))
  const mails = (rest: number): string[] =>
    mailData('calibration')
      .filter((_, i) => i % 8 === rest)
      .map(({ label, text }) => `${label}\t${text.split(/\s+/).slice(0, 48).join(' ')}\n`)
  writeFileSync(folder.at('mail', 'data.tsv'), mails(0).join(''))
  writeFileSync(folder.at('mail', 'others.tsv'), mails(1).join(''))
  writeFileSync(folder.at('data.tsv'), Array.from({ length: 80 }, (_, i) => `${i % 5}\t${sentence(i)}\n`).join(''))
})

/** Figures of a plan that was verified on 320 examples. */
const onExamples: OptimizedPlan['figures'] = {
  ...{ maxLoss: 1, points: 'accuracy', confident: false, confirmed: true, examples: 320, data: 'd.tsv', grid: [] },
  loss: { estimate: 0.2, low: -0.4, high: 0.9 },
  ...{ runtime: 'onnxruntime-node', version: '1', device: 'cpu', date: '2026-01-01' },
}

describe('tp optimize', () => {
  test('prints the next commands of a cascade', () => {
    const plan: OptimizedPlan = {
      format: 1,
      regimes: [{ plan: { format: 1, method: 'value-aware', layers: [0], keep: [0.3] } }],
      cascade: { uncertainty: 'probability', threshold: 0.07, share: 0.035 },
      figures: {
        ...onExamples,
        confident: true,
        grid: [{ batch: 4, tokens: 64, positions: 256, speedup: 2, low: 2, high: 2 }],
      },
    }
    const text = describePlan(plan, { model: 'm.onnx', out: 'p.json' })
    expect(text).toContain('answers with a probability below 93.0 %: 3.5 % of the examples')
    expect(text).toMatch(/^next {2}(?:npx )?tp prune m\.onnx --plan p\.json -o pruned\.onnx$/m)
    expect(text).toMatch(/^then {2}(?:npx )?tp serve pruned\.onnx --guard p\.json --against m\.onnx$/m)
  })

  test('names the decoder in the next command where it has to be changed with its encoder', () => {
    const figures = {
      ...onExamples,
      points: 'WER',
      grid: [{ batch: 1, positions: 1, speedup: 2, low: 2, high: 2 }],
    } as const
    const planned = (restore: 'weighed' | 'nearest'): string => {
      const plan: OptimizedPlan = {
        format: 1,
        regimes: [{ plan: { format: 1, method: 'thin-padding', restore } }],
        figures,
      }
      return describePlan(plan, { model: 'e.onnx', out: 'p.json', decoder: 'd.onnx' })
    }
    expect(planned('weighed')).toMatch(/ -o pruned\.onnx --decoder d\.onnx --decoder-out decoder\.onnx$/m)
    expect(planned('nearest')).toMatch(/ -o pruned\.onnx$/m)
  })

  test('writes a plan that tp prune accepts', { timeout }, async () => {
    const { code, stdout, stderr } = await tpHere(tune('plan.json', '--json', '--confident', '--cascade'))
    expect(stderr).not.toMatch(/error/i)
    expect(code).toBe(0)
    const { plan } = JSON.parse(stdout)
    expect(planAt('plan.json')).toEqual(plan)
    expect(plan.figures).toMatchObject({ maxLoss: 100, confident: true, examples: 32, runtime: 'onnxruntime-node' })
    expect(folder.files().filter((name) => name.includes('plan.json.measured'))).toEqual([])
    const last = plan.regimes.length - 1
    const pruned = await tpHere(
      argv`prune ${folder.at('model.onnx')} --plan ${folder.at('plan.json')} -o ${folder.at('pruned.onnx')} --json`,
    )
    expect(pruned.code).toBe(0)
    expect(JSON.parse(pruned.stdout).method).toBe(plan.regimes[last].plan.method)
    const beyond = await tpHere(
      argv`prune ${folder.at('model.onnx')} --plan ${folder.at('plan.json')} --set regime=9 -o ${folder.at('no.onnx')}`,
    )
    expect(beyond.code).toBe(2)
    expect(beyond.stderr).toMatch(/regime is 9, but .* has regimes 0 to/)
  })

  test('writes the best so far on Ctrl-C, and goes on with --resume', { timeout, tags: 'exhaustive' }, async () => {
    const broken = await tp(tune('again.json'), {
      onError: (text, kill) => void (text.includes('choosing') && kill('SIGINT')),
    })
    expect(broken.code).toBe(130)
    expect(broken.stderr).toContain('finishing with the best so far; Ctrl-C again stops at once')
    expect(broken.stderr).toContain(
      'again.json.measured holds what was measured; run the same command with --resume to continue',
    )
    expect(planAt('again.json').regimes.length).toBeGreaterThan(0)
    const before = JSON.parse(readFileSync(folder.at('again.json.measured'), 'utf8'))
    expect(Object.keys(before.known).length).toBeGreaterThan(0)
    writeFileSync(folder.at('other', 'again.json.measured'), JSON.stringify({ ...before, about: 'another model' }))
    const other = await tpHere(tune('other/again.json', '--resume'))
    expect(other.code).toBe(1)
    expect(other.stderr).toMatch(/another model, other data[\s\S]*TP_RESUME/)
    const resumed = await tpHere(tune('again.json', '--resume'))
    expect(resumed.code).toBe(0)
    expect(existsSync(folder.at('again.json.measured'))).toBe(false)
  })

  test('chooses from trained methods, with their learned values', {
    timeout: 2 * timeout,
    tags: 'exhaustive',
  }, async () => {
    const [model, data] = ['model.onnx', 'data.tsv'].map((name) => folder.at('mail', name)) as [string, string]
    const learn = ['train', model, '--method', 'sdtp', '--keep', '0.5', '--train', 'method', '--set', 'epochs=1']
    const weights = folder.at('sdtp.safetensors')
    const from = ['--data', data, '--selection', folder.at('mail', 'others.tsv'), '--weights-out', weights]
    expect((await tpHere([...learn, ...from, '-o', folder.at('learned.onnx')])).code).toBe(0)
    const args = tuneMails('learned-plan.json', '--methods', 'sdtp', '--weights', weights, '--all-layers')
    const { code, stdout } = await tpHere(args)
    expect(code).toBe(0)
    const plan = planAt('learned-plan.json').regimes.at(-1)?.plan
    expect(plan?.method).toBe('sdtp')
    const out = folder.at('learned-pruned.onnx')
    const byPlan = ['prune', model, '--plan', folder.at('learned-plan.json'), '--weights', weights, '-o', out]
    const written = await tpHere([...byPlan, '--json'])
    expect(written.code).toBe(0)
    expect(JSON.parse(written.stdout).quantized !== undefined).toBe(plan?.quantize !== undefined)
    expect(stdout).toContain(`--plan ${folder.at('learned-plan.json')} --weights ${weights} -o`)
    expect(stdout).toContain('8 bits alone')
    const without = await tpHere(tune('none.json', '--methods', 'sdtp'))
    expect([without.code, without.stderr]).toEqual([1, expect.stringMatching(/--weights FILE[\s\S]*TP_WEIGHTS/)])
    const idle = await tpHere(tune('none.json', '--weights', weights))
    expect([idle.code, idle.stderr]).toEqual([2, expect.stringContaining('of received-attention none has anything')])
  })

  test.each<[string, () => string[], RegExp, number]>([
    ['no data', () => ['optimize', 'model.onnx', '--plan-out', 'p.json'], /--data PATH is missing/, 2],
    [
      'nothing to resume',
      () => tune('p.json', '--resume'),
      /there is no .*p\.json\.measured[\s\S]*TP_FILE_NOT_FOUND/,
      1,
    ],
    [
      'an unknown runtime',
      () => tune('p.json', '--for', 'gpu'),
      /\[gpu\] --runtime: there is no such module or package; give node, native, web, the path of a module[\s\S]*TP_PLUGIN/,
      1,
    ],
    [
      'an unknown method',
      () => tune('p.json', '--methods', 'best'),
      /there is no method "best"[\s\S]*TP_UNKNOWN_METHOD/,
      2,
    ],
    ['an impossible shape', () => tune('p.json', '--shapes', 'long'), /--shapes has "long"/, 2],
    ['an unknown encoder', () => tune('p.json', '--encoder', 'image'), /has no encoder image[\s\S]*TP_ENCODER/, 2],
    ['an invalid loss', () => tune('p.json', '--max-loss', '-1'), /--max-loss is -1[\s\S]*TP_USAGE/, 2],
    ['too few examples', () => tune('p.json', '--limit', '20'), /too few to choose by[\s\S]*TP_DATA/, 1],
  ])('refuses %s, and writes nothing', async (_, args, message, code) => {
    const ended = await tpHere(args())
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(code)
    expect(folder.files().filter((name) => name.includes('p.json'))).toEqual([])
  })
})
