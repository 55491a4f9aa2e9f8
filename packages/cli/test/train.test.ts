import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { inspect, readProvenance } from '@tp/compiler'
import { writeSafetensors } from '@tp/core/host'
import { decodeModel } from '@tp/onnx'
import { convolutional } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { settingOptions } from '../src/arguments/learning-options.ts'
import { folder, model, train, trainBriefly, withSentences } from './learning-folder.ts'
import { argv, tpHere } from './tp.ts'

withSentences()

describe('tp train', () => {
  test('writes a fine-tuned pruned model and a log, and keeps no checkpoint', { timeout: 60_000 }, async () => {
    const log = folder.at('log.jsonl')
    const { code, stdout, stderr } = await tpHere(
      trainBriefly('trained.onnx', '--set', 'epochs=2', '--log', log, '--json'),
    )
    expect([code, stderr]).toEqual([0, expect.stringContaining('step 6 of 6: loss ')])
    const report = JSON.parse(stdout)
    expect(report.selection).toEqual({
      dense: expect.any(Number),
      before: expect.any(Number),
      after: expect.any(Number),
    })
    const steps = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
    const trained = decodeModel(readFileSync(folder.at('trained.onnx')))
    expect(readProvenance(trained)[0]?.method).toBe('received-attention')
    const files = ['bert', 'bert/model.onnx', 'bert/tokenizer.json', 'dev.tsv', 'train.tsv']
    expect(folder.files()).toEqual([...files, 'log.jsonl', 'trained.onnx'].sort())
  })

  test('learns from examples without labels what the dense model answers', { timeout: 60_000 }, async () => {
    const args = trainBriefly('answers.onnx', '--unlabeled', '--set', 'epochs=1', '--json')
    const { code, stdout, stderr } = await tpHere(args)
    expect(code).toBe(0)
    for (const name of ['train.tsv', 'dev.tsv'])
      expect(stderr).toContain(`${folder.at(name)} has no labels: the dense model's answers count as the right ones`)
    expect(JSON.parse(stdout).selection.dense).toBe(100)
    await rm(folder.at('answers.onnx'))
  })

  test('teaches a model without some layers what the whole one answers', { timeout: 60_000 }, async () => {
    const shallow = argv`--leave-out 0 --set distillation=1 --set batchSize=8 --set learningRate=1e-3`
    const data = ['--data', folder.at('train.tsv'), '--selection', folder.at('dev.tsv')]
    const { code, stderr } = await tpHere(['train', model(), '-o', folder.at('shallow.onnx'), ...data, ...shallow])
    expect([code, stderr]).toEqual([0, expect.stringContaining('step 9 of 9: loss ')])
    const trained = inspect(decodeModel(readFileSync(folder.at('shallow.onnx'))))
    expect(trained.ok && trained.leftOut).toMatchObject([{ layers: [0], of: 3 }])
    const losses = [...stderr.matchAll(/: loss ([\d.]+)/g)].map(([, loss]) => Number(loss))
    expect(losses.at(-1)).toBeLessThan(losses[0] as number)
    const learns = await tpHere([...train('ltp', 'never.onnx'), '--target-flops', '0.7', '--leave-out', '0'])
    expect([learns.code, learns.stderr]).toEqual([2, expect.stringContaining('tp train with ltp works on all layers')])
  })

  test('stores in 8 bits what it has trained, and says how good that file is', { timeout: 60_000 }, async () => {
    const { code, stdout } = await tpHere(trainBriefly('int8.onnx', '--set', 'epochs=1', '--quantize', '--json'))
    expect(code).toBe(0)
    const operators = decodeModel(readFileSync(folder.at('int8.onnx'))).proto.graph?.node.map(({ opType }) => opType)
    expect(operators).toContain('MatMulInteger')
    const examples = ['--data', folder.at('dev.tsv'), '--read', `tokenizer=${folder.at('bert', 'tokenizer.json')}`]
    const check = await tpHere(['eval', folder.at('int8.onnx'), ...examples, '--json'])
    // An answer in 8 bits depends on the batch, so one of the 12 may be another alone.
    const off = JSON.parse(check.stdout).rows[0].accuracy - JSON.parse(stdout).selection.in8Bits
    expect(Math.abs(off)).toBeLessThan(101 / 12)
    const again = trainBriefly('again.onnx', '--quantize').with(1, folder.at('int8.onnx'))
    const refused = await tpHere([...again, '--read', `tokenizer=${folder.at('bert', 'tokenizer.json')}`])
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('TP_QUANTIZED')])
    expect(refused.stderr).not.toContain('step 1')
  })
})

test('refuses the second and third of three trainings to one output at once', { timeout: 60_000 }, async () => {
  const ended: number[] = []
  const trainings = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const seen = await tpHere(trainBriefly('same.onnx', '--set', 'epochs=0.5'))
      ended.push(seen.code ?? -1)
      return seen
    }),
  )
  expect(ended).toEqual([2, 2, 0])
  const messages = trainings.filter(({ code }) => code === 2).map(({ stderr }) => stderr)
  for (const stderr of messages) {
    expect(stderr).toMatch(
      /^\[tp\] process \d+ works at .*same\.onnx already; wait for it.*\nsee \S+\ncode: TP_OUTPUT\n$/,
    )
  }
  expect(folder.files().filter((name) => name.includes('same.onnx'))).toEqual(['same.onnx'])
})

test('names a damaged checkpoint and what is wrong with it', async () => {
  const path = folder.at('damaged.onnx.checkpoint')
  const checkpoint = JSON.stringify({ step: 1, settings: {}, moved: [], progress: [] })
  const contents: readonly (readonly [Uint8Array, RegExp])[] = [
    [
      Buffer.from('{"half": '),
      /it is damaged, or not a checkpoint \(the weights cannot be read: it is not a safetensors file/,
    ],
    [writeSafetensors(new Map(), { 'tp.training': checkpoint.slice(0, -5) }), /record of the training is invalid JSON/],
    [writeSafetensors(new Map(), { 'tp.training': '{"step":-1}' }), /record of the training has no valid step/],
    [writeSafetensors(new Map(), { 'tp.training': checkpoint }), /belongs to another training/],
    [writeSafetensors(new Map(), { other: checkpoint }), /these weights are not a checkpoint/],
  ]
  for (const [bytes, message] of contents) {
    writeFileSync(path, bytes)
    const { code, stderr } = await tpHere(trainBriefly('damaged.onnx', '--resume'))
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`[${path}] cannot resume from the checkpoint`)
    expect([code, stderr]).toEqual([1, expect.stringContaining('code: TP_RESUME')])
  }
})

test.each([
  ['no data', () => ['train', model(), '-o', 'x.onnx', '--method', 'none'], /--data PATH is missing/, 2],
  [
    'what there is to learn',
    () => trainBriefly('x.onnx', '--train', 'some'),
    /--train is "some"; it must be all, vectors, head or method/,
    2,
  ],
  [
    'a share beyond 1',
    () => trainBriefly('x.onnx', '--set', 'distillation=3'),
    /distillation is 3; it has to be a share from 0 to 1/,
    2,
  ],
  ['no checkpoint', () => trainBriefly('x.onnx', '--resume'), /there is no .*x.onnx.checkpoint to resume from/, 1],
] as const)('%s', async (_, args, message, code) => {
  const seen = await tpHere(args())
  expect([seen.code, seen.stderr]).toEqual([code, expect.stringMatching(message)])
})

test('refuses a model that cannot be pruned', async () => {
  writeFileSync(folder.at('cnn.onnx'), convolutional())
  const args = trainBriefly('y.onnx')
  const { code } = await tpHere(['train', folder.at('cnn.onnx'), ...args.slice(2)])
  expect(code).toBe(4)
})

test('prints the defaults in its help', () => {
  expect(settingOptions.epochs.description).toMatch(/; default 3$/)
  expect(settingOptions['learning-rate'].description).toMatch(/; default 0\.00002$/)
})
