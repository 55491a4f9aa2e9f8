import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFolderGraphs } from '@tp/data/folders'
import { mailData, modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { decoderPath } from 'exported-decoders'
import { speechEncoder, speechSizes } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { changeFolder } from '../src/program/folders.ts'
import { mailEmbedder } from './small-models.ts'
import { addSpeechFiles } from './speech-folder.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const { at } = folder
const filesOf = (name: string): string[] =>
  folder
    .files()
    .filter((file) => file.startsWith(`${name}/`) && file.includes('.'))
    .map((file) => file.slice(name.length + 1))
const method = ['--method', 'cls-attention', '--keep', '0.6']

beforeAll(async () => {
  mkdirSync(at('mail', 'onnx'), { recursive: true })
  for (const own of ['config', 'tokenizer'] as const) copyFileSync(modelPath('mail', own), at('mail', `${own}.json`))
  copyFileSync(modelPath('mail'), at('mail', 'onnx', 'model.onnx'))
  const mails = mailData('calibration').filter((_, i) => i % 8 === 0)
  const line = ({ label, text }: (typeof mails)[number]): string =>
    `${label}\t${text.split(/\s+/).slice(0, 48).join(' ')}\n`
  writeFileSync(at('data.tsv'), mails.map(line).join(''))
  mkdirSync(at('speech'))
  writeFileSync(at('speech', 'encoder_model.onnx'), encodeModel(speechEncoder({ reads: 'frames' })))
  const speech = (name: string): string => at('speech', name)
  await addSpeechFiles(speech, speechSizes, [
    [0.1, 'one two'],
    [0.2, 'three'],
  ])
  copyFileSync(at('speech', 'decoder_model.onnx'), at('speech', 'decoder_model_quantized.onnx'))
})

describe('a model folder', () => {
  test('stands for its model wherever one is read', async () => {
    expect((await tpHere(['inspect', at('mail')])).stdout).toContain(at('mail', 'onnx', 'model.onnx'))
    const evaluated = await tpHere(['eval', at('mail'), '--data', at('data.tsv'), '--limit', '8', '--methods', 'none'])
    expect(evaluated).toMatchObject({ code: 0, stdout: expect.stringContaining('8 examples') })
    copyFileSync(modelPath('mail'), at('mail', 'model.onnx'))
    const files = 'model.onnx, onnx/model.onnx'
    expect(await tpHere(['inspect', at('mail')])).toMatchObject({ code: 1, stderr: expect.stringContaining(files) })
    rmSync(at('mail', 'model.onnx'))
  })

  test.each([
    ['bench', [...method, '--shapes', '1x16'], 'cls-attention', 0],
    // Chance says which of two equal models is the faster one.
    [
      'check',
      ['--data', 'data.tsv', '--against', 'mail', '--max-loss', '5', '--min-speedup', '0.01', '--limit', '8'],
      '8 examples',
      0,
    ],
    ['explain', ['--data', 'data.tsv', '--limit', '1', ...method], 'cls-attention', 0],
    ['run', ['--data', 'lines.txt', '-o', 'out.jsonl'], '2 rows', 0],
  ])('lets tp %s read its model', async (command, args, said, code) => {
    writeFileSync(at('lines.txt'), 'win a prize now\nsee you at lunch\n')
    const own = args.map((arg) => (/^(mail|data\.tsv|lines\.txt|out\.jsonl)$/.test(arg) ? at(arg) : arg))
    const done = await tpHere([command, at('mail'), ...own])
    expect({ code: done.code, text: `${done.stdout}${done.stderr}` }).toMatchObject({
      code,
      text: expect.stringContaining(said),
    })
  })

  test('becomes a folder for the runtime that packs', async () => {
    const packed = await tpHere(['pack', at('mail'), '-o', at('packed'), '--json'])
    expect(packed).toMatchObject({ code: 0 })
    const changed = ['onnx/model.onnx']
    expect(JSON.parse(packed.stdout).folder).toEqual({ out: at('packed'), changed, verified: changed, leftOut: [] })
    expect(filesOf('packed')).toEqual([...filesOf('mail'), 'README.md'].toSorted())
  })

  test('becomes a whole folder with 8 bits under a name of their own, and with each precision pruned', async () => {
    expect(await tpHere(['quantize', at('mail'), '-o', at('rounded'), '--dtype', 'q8'])).toMatchObject({ code: 0 })
    const own = ['README.md', 'config.json', 'onnx/model.onnx', 'onnx/model_quantized.onnx', 'tokenizer.json']
    expect(filesOf('rounded')).toEqual(own)
    expect(readFileSync(at('rounded', 'onnx', 'model.onnx'))).toEqual(readFileSync(modelPath('mail')))
    const pruned = await tpHere(['prune', at('rounded'), '-o', at('fast'), ...method, '--json'])
    const { folder: written, plan } = JSON.parse(pruned.stdout)
    const changed = ['onnx/model.onnx', 'onnx/model_quantized.onnx']
    expect(written).toEqual({ out: at('fast'), changed, verified: changed, leftOut: [] })
    expect(plan).toMatchObject({ method: 'cls-attention', keep: 0.6 })
    expect(filesOf('fast')).toEqual([...own, 'tp-plan.json'])
    const card = readFileSync(at('fast', 'README.md'), 'utf8')
    expect(card).toMatch(/Changed by `tp quantize`[\s\S]*Changed by `tp prune`[\s\S]*cls-attention/)
    expect(card).not.toContain(folder.path)
    for (const file of changed) expect(await tpHere(['inspect', at('fast', file)])).toMatchObject({ code: 0 })
  })

  test('gets the values that the method of its plan has learned, and its other precisions are pruned by them', async () => {
    const graphs = await readFolderGraphs(at('rounded'))
    const plan = { format: 1, method: 'sdtp', keep: 0.5 }
    const calls: Record<string, unknown>[] = []
    const { signal } = new AbortController()
    await changeFolder('optimize', graphs, { out: at('learned') }, signal, async (name, { operands, options }) => {
      copyFileSync(operands[0] as string, options.out as string)
      calls.push({ name, ...options })
      return { text: '', content: { plan }, ...(name === 'optimize' && { values: Uint8Array.of(1, 2, 3) }) }
    })
    expect(calls.map(({ name }) => name)).toEqual(['optimize', 'prune'])
    expect(calls[1]).toMatchObject({ weights: expect.stringMatching(/tp-plan\.json\.safetensors$/) })
    expect([...readFileSync(at('learned', 'tp-plan.json.safetensors'))]).toEqual([1, 2, 3])
    expect(readFileSync(at('learned', 'README.md'), 'utf8')).toContain('sdtp')
  })

  test('stays as it is under an output, and remains of no command that fails', async () => {
    const again = await tpHere(['prune', at('mail'), '-o', at('rounded'), ...method])
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') })
    expect(await tpHere(['prune', at('mail'), '-o', at('mail', 'in'), ...method])).toMatchObject({ code: 2 })
    expect(await tpHere(['prune', at('mail'), '-o', at('no'), '--method', 'nothing'])).toMatchObject({ code: 2 })
    expect(existsSync(at('no'))).toBe(false)
    // A single file of a folder is written as ever.
    expect(await tpHere(['prune', at('mail'), '-o', at('one.onnx'), ...method])).toMatchObject({ code: 0 })
  })

  test('for speech gets the rows of neighbors where its decoders cannot weigh them', async () => {
    const pruned = await tpHere(['prune', at('speech'), '-o', at('heard'), '--method', 'thin-padding', '--json'])
    expect(pruned).toMatchObject({ code: 0 })
    expect(JSON.parse(pruned.stdout)).toMatchObject({
      notes: expect.arrayContaining([expect.stringContaining('decoder_model.onnx is left as it is')]),
      plan: { method: 'thin-padding', restore: 'nearest' },
      folder: { changed: ['encoder_model.onnx'], leftOut: [] },
    })
    expect(filesOf('heard')).toEqual([...filesOf('speech'), 'README.md', 'tp-plan.json'].toSorted())
    // The decoder of the folder transcribes without being named.
    const heard = await tpHere(['eval', at('heard'), '--data', at('speech', 'transcripts.tsv'), '--methods', 'none'])
    expect(heard).toMatchObject({ code: 0, stdout: expect.stringContaining('WER') })
  })

  test('for texts gets the rows of neighbors, which its decoder attends to, with a plan, too', async () => {
    mkdirSync(at('texts'))
    writeFileSync(at('texts', 'encoder_model.onnx'), mailEmbedder())
    copyFileSync(decoderPath('whisper-decoder'), at('texts', 'decoder_model.onnx'))
    writeFileSync(at('plan.json'), JSON.stringify({ format: 1, method: 'received-attention', keep: 0.6 }))
    const own = ['--method', 'received-attention', '--keep', '0.6', '--no-verify']
    const whole = ['prune', at('texts', 'encoder_model.onnx'), '-o', at('near.onnx'), ...own]
    expect(await tpHere([...whole, '--set', 'restore=nearest'])).toMatchObject({ code: 0 })
    for (const [out, how] of [
      ['decoded', own],
      ['planned', ['--plan', at('plan.json'), '--no-verify']],
    ] as const) {
      const pruned = await tpHere(['prune', at('texts'), '-o', at(out), ...how])
      expect(pruned).toMatchObject({ code: 0, stdout: expect.not.stringContaining('the mean of the kept ones') })
      expect(readFileSync(at(out, 'encoder_model.onnx'))).toEqual(readFileSync(at('near.onnx')))
      expect(readFileSync(at(out, 'decoder_model.onnx'))).toEqual(readFileSync(at('texts', 'decoder_model.onnx')))
      expect(JSON.parse(readFileSync(at(out, 'tp-plan.json'), 'utf8'))).toMatchObject({ restore: 'nearest' })
    }
  })

  test('for speech is left with its decoders where an option restores rows', async () => {
    const near = ['--method', 'stride', '--keep', '0.5', '--set', 'restore=nearest']
    const pruned = await tpHere(['prune', at('speech'), '-o', at('near'), ...near, '--json'])
    expect(pruned).toMatchObject({ code: 0 })
    expect(JSON.parse(pruned.stdout).folder).toMatchObject({ changed: ['encoder_model.onnx'] })
  })

  const whisper = [
    ['whisper-encoder', 'encoder_model'],
    ['whisper-merged', 'decoder_model_merged'],
    ['whisper-decoder', 'decoder_model'],
    ['whisper-past', 'decoder_with_past_model'],
  ] as const
  const pruneWhisper = async (out: string, ...more: string[]): Promise<Record<string, unknown>> => {
    mkdirSync(at('whisper', 'onnx'), { recursive: true })
    for (const [name, file] of whisper) copyFileSync(decoderPath(name), at('whisper', 'onnx', `${file}.onnx`))
    writeFileSync(at('whisper', 'preprocessor_config.json'), '{ "sampling_rate": 16000 }')
    const done = await tpHere(['prune', at('whisper'), '-o', at(out), '--method', 'thin-padding', '--json', ...more])
    return JSON.parse(done.stdout)
  }
  const changed = whisper.map(([, file]) => `onnx/${file}.onnx`)

  test('for speech gets all decoders changed so that they weigh its states', async () => {
    const { plan, folder: written } = await pruneWhisper('weighed')
    expect(plan).toMatchObject({ restore: 'weighed' })
    expect(written).toEqual({ out: at('weighed'), changed, verified: changed, leftOut: [] })
  })

  test('gets the plan that a search finds', { timeout: 240_000, tags: 'exhaustive' }, async () => {
    const found = await tpHere(
      argv`optimize ${at('rounded')} --data ${at('data.tsv')} -o ${at('found')} --max-loss 100 --methods cls-attention --shapes 1x64 --minutes 1 --json`,
    )
    expect(found.code).toBe(0)
    const { plan, folder: written } = JSON.parse(found.stdout)
    expect(written.changed).toEqual(['onnx/model.onnx', 'onnx/model_quantized.onnx'])
    expect(JSON.parse(readFileSync(at('found', 'tp-plan.json'), 'utf8'))).toEqual(plan)
    expect(readFileSync(at('found', 'README.md'), 'utf8')).toContain('loses')
  })
})
