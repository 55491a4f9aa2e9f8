import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { readProvenance } from '@tp/compiler'
import { readSafetensors } from '@tp/core/host'
import { mailData, modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailEmbedder } from './small-models.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const model = (): string => folder.at('embedder.onnx')
const texts = (): string => folder.at('texts.txt')

beforeAll(() => {
  writeFileSync(model(), mailEmbedder())
  for (const name of ['tokenizer.json', 'config.json']) copyFileSync(mail.replace(/[^/]*$/, name), folder.at(name))
  const short = mailData('calibration').map(({ text }) => text.replaceAll(/\s+/g, ' ').slice(0, 150))
  writeFileSync(texts(), short.slice(0, 200).join('\n'))
})

const fit = (file: string, ...more: string[]): ReturnType<typeof tpHere> =>
  tpHere(['train', file, '-o', folder.at('pruned.onnx'), '--method', 'lens', '--data', texts(), ...more])

describe('tp train --method lens', () => {
  test('fits without labels, comes nearer to the dense mean, and writes values for other amounts', {
    timeout: 120_000,
  }, async () => {
    const weights = folder.at('lens.safetensors')
    const { code, stdout, stderr } = await fit(
      model(),
      '--layers',
      '1,3',
      '--keep',
      '0.6',
      '--weights-out',
      weights,
      '--json',
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('running the pruned model')])
    const { texts: count, cosine, schedule } = JSON.parse(stdout)
    expect([count, schedule.map(({ layer }: { layer: number }) => layer)]).toEqual([200, [1, 3]])
    expect(cosine.kept).toBeLessThan(cosine.predicted)
    expect(cosine.predicted).toBeLessThanOrEqual(cosine.context)
    expect(cosine.context).toBeLessThan(1)
    const names = ['map', 'bias', 'residual', 'residualBias', 'context']
    expect([...readSafetensors(readFileSync(weights)).keys()].sort()).toEqual(
      [1, 3].flatMap((layer) => names.map((name) => `layer.${layer}.${name}`)).sort(),
    )
    expect(readProvenance(decodeModel(readFileSync(folder.at('pruned.onnx'))))[0]).toMatchObject({ method: 'lens' })

    const prune = (layers: string): ReturnType<typeof tpHere> =>
      tpHere(
        argv`prune ${model()} -o ${folder.at('other.onnx')} --method lens --layers ${layers} --keep 0.8 --weights ${weights}`,
      )
    expect((await prune('3')).code).toBe(0)
    const unfitted = await prune('2')
    expect([unfitted.code, unfitted.stderr]).toEqual([expect.any(Number), expect.stringContaining('no layer.2.map')])
    expect(unfitted.code).not.toBe(0)
  })

  test.each([
    ['options of training by steps', ['--layers', '1', '--keep', '0.5', '--set', 'epochs=2'], '--set'],
    ['examples to select by', ['--layers', '1', '--keep', '0.5', '--selection', 'dev.txt'], '--selection'],
    ['no amounts', [], '--keep'],
    ['few texts', ['--layers', '1', '--keep', '0.5', '--limit', '20'], 'too few'],
  ])('refuses %s', async (_, more, seen) => {
    const { code, stderr } = await fit(model(), ...more)
    expect(code).not.toBe(0)
    expect(stderr).toContain(seen)
  })
})
