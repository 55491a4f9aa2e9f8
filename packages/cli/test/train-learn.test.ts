import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readProvenance } from '@tp/compiler'
import { readSafetensors } from '@tp/core/host'
import { decodeModel, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { folder, learn, model, read, timeout, train, withSentences } from './learning-folder.ts'
import { argv, tpHere } from './tp.ts'

const plugin = fileURLToPath(new URL('learning-plugin.mjs', import.meta.url))

withSentences()

/** Names of the weights of a model that are others in another one. */
function changedWeights(before: Model, after: Model): string[] {
  const initializers = ({ proto }: Model) => proto.graph?.initializer ?? []
  const old = new Map(initializers(before).map(({ name, rawData }) => [name, rawData]))
  return initializers(after).flatMap(({ name, rawData }) => {
    const known = old.get(name)
    return known === undefined || Buffer.compare(known, rawData) === 0 ? [] : [name]
  })
}

/** Steps in the log of a training. */
const logged = (out: string): { part: string; step: number }[] =>
  existsSync(folder.at(`${out}.log`))
    ? read(`${out}.log`)
        .toString()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : []

describe('a method that learns', () => {
  test('writes a pruned model, its learned values and a log, and prints a report', { timeout }, async () => {
    const more = ['--target-flops', '0.7', '--set', 'epochs=2', '--set', 'hardEpochs=1', '--set', 'seed=3', '--json']
    const files = ['--weights-out', folder.at('l.safetensors'), '--log', folder.at('l.log')]
    const { code, stdout, stderr } = await tpHere(learn('l.onnx', ...more, ...files))
    expect([code, stderr]).toEqual([0, expect.stringMatching(/soft training[\s\S]*step 6 of 6: loss/)])
    expect(stderr).toMatch(/fine-tuning[\s\S]*% on the selection/)
    expect(
      folder
        .files()
        .filter((name) => /^\.?l\./.test(name))
        .sort(),
    ).toEqual(['l.log', 'l.onnx', 'l.safetensors'])
    const report = JSON.parse(stdout)
    expect(report.layers).toEqual([0, 1])
    expect(report.settings).toMatchObject({ targetFlops: 0.7, epochs: 2, hardEpochs: 1, methodRate: 0.02, seed: 3 })
    expect(report.flops).toBeLessThanOrEqual(0.7)
    expect(report.flops).toBeGreaterThan(0.5)
    expect(logged('l').filter(({ part }) => part === 'soft')).toHaveLength(6)
    expect(logged('l').filter(({ part }) => part === 'hard')).toHaveLength(3)
    expect(logged('l')).toHaveLength(9)
    const learned = readSafetensors(read('l.safetensors'))
    expect([...learned.keys()]).toEqual(['layer.0.threshold', 'layer.1.threshold'])
    expect(report.learned.map(({ threshold }: { threshold: number }) => threshold)).toEqual(
      [...learned.values()].map((value) => value.data[0]),
    )
    expect(readProvenance(decodeModel(read('l.onnx')))[0]?.method).toBe('ltp')
    const check = await tpHere(
      argv`eval ${folder.at('l.onnx')} --read tokenizer=${folder.at('bert', 'tokenizer.json')} --data ${folder.at('dev.tsv')} --json`,
    )
    expect(JSON.parse(check.stdout).rows[0].accuracy).toBe(report.selection.after)
    // The plan says where tokens are pruned in the words of tp prune.
    writeFileSync(folder.at('plan.json'), JSON.stringify(report.plan))
    const plan = ['--plan', folder.at('plan.json'), '--weights', folder.at('l.safetensors')]
    const again = await tpHere(['prune', model(), '-o', folder.at('again.onnx'), ...plan, '--json'])
    expect([again.code, JSON.parse(again.stdout).schedule]).toEqual([0, report.schedule])
  })

  test('trains only its own values, only the head, or only scales and biases', {
    timeout,
    tags: 'exhaustive',
  }, async () => {
    const dense = decodeModel(readFileSync(model()))
    const reports = new Map<string, { learned: { threshold: number }[] }>()
    const changed = async (train: string): Promise<string[]> => {
      const lengths = ['--set', 'epochs=1', '--set', 'hardEpochs=0.3']
      const { code, stdout } = await tpHere(
        learn(`${train}.onnx`, ...lengths, '--train', train, '--log', folder.at(`${train}.log`), '--json'),
      )
      expect(code).toBe(0)
      reports.set(train, JSON.parse(stdout))
      return changedWeights(dense, decodeModel(read(`${train}.onnx`)))
    }
    expect(await changed('method')).toEqual([])
    expect(logged('method').map(({ part }) => part)).toEqual(['soft', 'soft', 'soft'])
    expect(reports.get('method')?.learned[0]?.threshold).not.toBe(0.01)
    const head = ['bert.pooler.dense.weight', 'bert.pooler.dense.bias', 'classifier.weight', 'classifier.bias']
    expect((await changed('head')).sort()).toEqual(head.sort())
    expect((await changed('vectors')).every((name) => /bias|LayerNorm/.test(name))).toBe(true)
  })

  test('keeps the same ratio at each layer, by the fraction of FLOPs, if it learns no amounts', {
    tags: 'exhaustive',
    timeout,
  }, async () => {
    const gated = train('gated', 'g.onnx', '--plugin', plugin, '--set', 'epochs=0.3', '--json')
    const none = await tpHere(gated)
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringMatching(
        /gated learns which tokens to keep, not how many: give --target-flops F, or an amount such as --keep/,
      ),
    ])
    const fitted = await tpHere([...gated, '--target-flops', '0.8', '--weights-out', folder.at('g.safetensors')])
    const { plan, flops } = JSON.parse(fitted.stdout)
    expect(new Set(plan.keep).size).toBe(1)
    expect(flops).toBeLessThanOrEqual(0.8)
    // Its learned values are needed to prune with it, and then nothing learns.
    const fixed = ['--weights', folder.at('g.safetensors'), '--layers', '0,1', '--keep', '0.5']
    expect((await tpHere([...gated, ...fixed])).code).toBe(0)
    const both = await tpHere([...gated, ...fixed, '--target-flops', '0.8'])
    expect(both.stderr).toMatch(/--target-flops is for methods that learn, and gated works with --weights here/)
  })
})
