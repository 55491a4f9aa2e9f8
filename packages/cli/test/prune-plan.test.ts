import { readFileSync, writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { saturatesOn } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { SEVEN_BITS } from '../src/quantizing/quantize-file.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const digits = modelPath('digits-vit')

describe('tp prune by a plan, and without layers', () => {
  test('prunes by a plan as by the same flags', async () => {
    const plan = folder.at('plan.json')
    const words = { method: 'tome', layers: [1, 3], remove: [30, 20], params: { proportionalAttention: false } }
    writeFileSync(plan, JSON.stringify({ format: 1, ...words, protect: [] }))
    const byPlan = folder.at('by-plan.onnx')
    expect((await tpHere(['prune', digits, '-o', byPlan, '--no-verify', '--plan', plan])).code).toBe(0)
    const byWords = folder.at('by-words.onnx')
    const args = ['--method', 'tome', '--layers', '1,3', '--set', 'remove=30,20', '--set', 'protect=none']
    const param = ['--param', 'proportionalAttention=false']
    expect((await tpHere(['prune', digits, '-o', byWords, '--no-verify', ...args, ...param])).code).toBe(0)
    expect(readFileSync(byPlan).equals(readFileSync(byWords))).toBe(true)
  })

  test('stores in 8 bits what a plan has pruned, and verifies the pruning', async () => {
    const plan = folder.at('8-bit.json')
    const words = { method: 'received-attention', layers: [1], keep: 0.5 }
    writeFileSync(plan, JSON.stringify({ format: 1, ...words, quantize: {} }))
    const [out, float, after] = ['out', 'float', 'after'].map((name) => folder.at(`8-bit-${name}.onnx`)) as string[]
    const args = ['prune', mail, '-o', out as string, '--plan', plan]
    const { code, stdout } = await tpHere(args)
    expect(code).toBe(0)
    expect(stdout).toMatch(/received-attention, 8 bits/)
    expect(stdout).toMatch(/^verified on .*: with every token kept, .*; outputs differ by up to \d/m)
    const by = ['--method', 'received-attention', '--layers', '1', '--keep', '0.5']
    expect((await tpHere(['prune', mail, '-o', float as string, '--no-verify', ...by])).code).toBe(0)
    expect((await tpHere(['quantize', float as string, '--no-verify', '-o', after as string])).code).toBe(0)
    expect(readFileSync(out as string).equals(readFileSync(after as string))).toBe(true)
    // The option takes 7 bits where sums of 8-bit products saturate.
    const [asOption, asHere] = ['option', 'here'].map((name) => folder.at(`8-bit-${name}.onnx`)) as string[]
    const rounded = await tpHere([
      'prune',
      mail,
      '-o',
      asOption as string,
      ...by,
      '--quantize',
      '--no-verify',
      '--json',
    ])
    const saturates = await saturatesOn(nodeRuntime())
    expect(JSON.parse(rounded.stdout).notes.includes(SEVEN_BITS)).toBe(saturates)
    const form = saturates ? ['--reduce-range'] : []
    expect((await tpHere(['quantize', float as string, '--no-verify', '-o', asHere as string, ...form])).code).toBe(0)
    expect(readFileSync(asOption as string).equals(readFileSync(asHere as string))).toBe(true)
    const exact = await tpHere(['prune', mail, '-o', folder.at('never.onnx'), '--lossless', '--quantize'])
    expect([exact.code, exact.stderr]).toEqual([2, expect.stringContaining('--lossless is exact, and 8 bits round')])
    const train = ['train', mail, '-o', folder.at('8-bit-trained.onnx'), '--data', plan, '--plan', plan]
    const refused = await tpHere(train)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('8-bit weights cannot be trained')
  })

  test('leaves layers out, alone or before it prunes, and verifies what it does to the rest', {
    tags: 'exhaustive',
  }, async () => {
    const [alone, again, first, both, plan] = ['alone', 'again', 'first', 'both', 'plan'].map((name) =>
      folder.at(`without-${name}`),
    ) as string[]
    const left = await tpHere(['prune', mail, '-o', alone as string, '--leave-out', '4,2'])
    expect(left.code).toBe(0)
    expect(left.stdout).toContain('without layers 2, 4 of 6; the others are numbered from 0 again\n')
    expect(left.stdout).toMatch(/^FLOPs {2}1\.50× fewer at n=32/m)
    expect((await tpHere(['inspect', alone as string])).stdout).toMatch(/^left out +layers 2, 4 of 6$/m)
    // Dead tokens are where they were, so that another step can follow.
    const once = await tpHere(['prune', alone as string, '-o', again as string, '--leave-out', '0'])
    expect(once.stdout).toContain('without layer 0 of 4;')
    writeFileSync(plan as string, '{"format": 1, "method": "none", "leaveOut": []}')
    const same = folder.at('without-none')
    const nothing = await tpHere(['prune', again as string, '-o', same, '--plan', plan as string])
    expect([nothing.code, nothing.stdout]).toEqual([0, expect.not.stringContaining('without layer')])
    const words = ['--method', 'received-attention', '--layers', '1,2', '--keep', '0.5']
    const args = ['prune', mail, '-o', both as string, '--leave-out', '2,4', ...words]
    const pruned = await tpHere([...args, '--json'])
    expect(pruned.code).toBe(0)
    const report = JSON.parse(pruned.stdout)
    expect(report).toMatchObject({ layerCount: 4, leftOut: { layers: [2, 4], of: 6 }, cuts: [1, 2] })
    expect(report.verification.difference).toBeLessThan(1e-4)
    const content = { method: 'received-attention', layers: [1, 2], keep: 0.5, leaveOut: [2, 4] }
    writeFileSync(plan as string, JSON.stringify({ format: 1, ...content }))
    expect((await tpHere(['prune', mail, '-o', first as string, '--plan', plan as string])).code).toBe(0)
    expect(readFileSync(first as string).equals(readFileSync(both as string))).toBe(true)
    const explained = await tpHere(['explain', mail, '--data', mail, '--plan', plan as string])
    expect([explained.code, explained.stderr]).toEqual([2, expect.stringContaining('tp prune --leave-out writes')])
  })

  test.each<[layers: string, exit: number, message: RegExp, ...more: string[]]>([
    ['6', 1, /there is no layer 6; layers are 0 to 5[\s\S]*TP_LAYERS/],
    ['0,1,2,3,4,5', 1, /no layer would remain[\s\S]*TP_LAYERS/],
    ['x', 2, /--leave-out is "x"/],
    ['3', 2, /--method NAME .* is missing/, '--keep', '0.5'],
  ])('refuses to leave out layers %s', async (layers, exit, message, ...more) => {
    const { code, stderr } = await tpHere(
      argv`prune ${mail} -o ${folder.at('never.onnx')} --leave-out ${layers} ${more}`,
    )
    expect([code, stderr]).toEqual([exit, expect.stringMatching(message)])
    expect(folder.files()).not.toContain('never.onnx')
  })

  test.each([
    ['{"format": 1, "method": "none", "keep": "much"}', [], /keep is "much"; it must be a number or a list/],
    ['{"format": 1', [], /invalid JSON/],
    [
      '{"format": 1, "method": "none", "quantize": {"bits": 8}}',
      [],
      /bad-plan.json\] quantize: there is no option bits[\s\S]*TP_PLAN/,
    ],
    ['{"format": 1, "method": "none"}', ['--keep', '0.5'], /give only one of --plan and --keep; a plan says all of it/],
  ])('refuses the plan %s with %j', async (text, args, message) => {
    const plan = folder.at('bad-plan.json')
    writeFileSync(plan, text)
    const { code, stderr } = await tpHere(['prune', digits, '-o', folder.at('unwritten.onnx'), '--plan', plan, ...args])
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})
