import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { modelPath } from '@tp/models'
import { expect, test } from 'vitest'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const plugin = fileURLToPath(new URL('trained-plugin.mjs', import.meta.url))
const gained = ['--plugin', plugin, '--method', 'gained', '--keep', '0.7']

function prune(...args: string[]): string[] {
  return ['prune', mail, '-o', folder.at('out.onnx'), ...args]
}

/** One float32 tensor a name, each of one number. */
function safetensors(values: Readonly<Record<string, number>>): string {
  const entries = Object.keys(values).map((name, i) => [
    name,
    { dtype: 'F32', shape: [1], data_offsets: [4 * i, 4 * i + 4] },
  ])
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const data = Buffer.from(Float32Array.from(Object.values(values)).buffer)
  writeFileSync(folder.at('trained.safetensors'), Buffer.concat([length, header, data]))
  return folder.at('trained.safetensors')
}

test('writes trained values into the graph, each at its layer', async () => {
  const values = { 'layer.1.gain': 1.5, 'layer.2.gain': 2.5, gain: 3.5 }
  const { code, stderr } = await tpHere(prune(...gained, '--weights', safetensors(values)))
  expect(stderr).not.toContain('code:')
  expect(code).toBe(0)
  const file = readFileSync(folder.at('out.onnx'))
  for (const value of Object.values(values)) {
    expect(file.includes(Buffer.from(Float32Array.of(value).buffer))).toBe(true)
  }
})

test('prunes at the layers that the values are for, where none are named', { tags: 'exhaustive' }, async () => {
  const values = { 'layer.3.gain': 1.5, 'layer.0.gain': 2.5, 'layer.2.other': 1 }
  const { code, stdout } = await tpHere(prune(...gained, '--weights', safetensors(values), '--json'))
  expect(code).toBe(0)
  expect(JSON.parse(stdout).cuts).toEqual([0, 3])
  const data = folder.at('mails.tsv')
  writeFileSync(data, 'label\ttext\nham\tSee you at ten\nspam\tClick here\n')
  const few = ['--methods', 'gained,stride', '--weights', safetensors(values), '--json']
  const evaluated = await tpHere(['eval', mail, '--data', data, ...gained.slice(0, 2), '--keep', '0.7', ...few])
  expect(evaluated.code).toBe(0)
  // Their reference prunes at the same layers.
  const [, , ...rows] = JSON.parse(evaluated.stdout).rows as { method: string; keptByLayer: number[] }[]
  const cuts = rows.map(({ method, keptByLayer }) => {
    return [method, [...keptByLayer.keys()].filter((i) => (keptByLayer[i] as number) < (keptByLayer[i - 1] ?? 1))]
  })
  expect(cuts).toEqual([
    ['gained', [0, 3]],
    ['stride', [0, 3]],
  ])
})

test('refuses values of single layers where layers are left out, which gives the others new numbers', async () => {
  const withoutLayer = prune(...gained, '--leave-out', '0')
  const some = safetensors({ 'layer.1.gain': 1.5, 'layer.3.gain': 2.5 })
  const { code, stderr } = await tpHere([...withoutLayer, '--weights', some])
  const message = /the values are for layers 1, 3, and layers are to be left out[\s\S]*TP_WEIGHTS/
  expect([code, stderr]).toEqual([1, expect.stringMatching(message)])
  const { code: forAll } = await tpHere([...withoutLayer, '--weights', safetensors({ gain: 1.5, 'layer.2.other': 1 })])
  expect(forAll).toBe(0)
})

test.each(['sdtp', 'adapler', 'dynamicvit', 'transkimmer', 'tr-bert', 'lens'])(
  'says before the model is read how the values of %s are learned, in a command that trains',
  async (name) => {
    const { code, stderr } = await tpHere(['prune', 'no-model.onnx', '--method', name, '--keep', '0.7'])
    expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([1, 'code: TP_WEIGHTS'])
    const [, line = ''] = /^ {2}tp (train MODEL .*--weights-out .*)$/m.exec(stderr) ?? []
    const trained = await tpHere(line.split(' '))
    expect(trained.stderr).toMatch(
      /^\[tp\] there is no file that can be read at MODEL\nsee \S+\ncode: TP_FILE_NOT_FOUND\n$/,
    )
  },
)

test('names the model where it is known, and trains nothing that cannot be trained', async () => {
  const compared = ['eval', mail, '--data', folder.at('texts.tsv'), '--methods', 'sdtp', '--keep', '0.7']
  writeFileSync(folder.at('texts.tsv'), 'label\ttext\nham\tSee you at ten\nspam\tClick here\n')
  expect((await tpHere(compared)).stderr).toContain(`tp train ${mail} -o trained.onnx --method sdtp`)
  expect((await tpHere(prune(...gained))).stderr).not.toContain('tp train')
})

test.each<[string, () => string[], RegExp]>([
  ['no weights', () => prune(...gained), /gained works with trained values; give them with --weights FILE/],
  [
    'a layer that is missing',
    () => prune(...gained, '--layers', '1,2', '--weights', safetensors({ 'layer.1.gain': 1 })),
    /no layer\.2\.gain/,
  ],
  [
    'no file',
    () => prune(...gained, '--weights', folder.at('no.safetensors')),
    /cannot be read: there is no such file; give the path/,
  ],
  ['another file', () => prune(...gained, '--weights', plugin), /is not a safetensors file/],
  [
    'a method without trained values',
    () => prune('--method', 'stride', '--keep', '1', '--weights', safetensors({ gain: 1 })),
    /takes no trained values/,
  ],
])('refuses %s', async (_, args, message) => {
  const { code, stderr } = await tpHere(args())
  expect(stderr).toMatch(message)
  expect(stderr).toContain('code: TP_WEIGHTS')
  expect(code).toBe(1)
})
