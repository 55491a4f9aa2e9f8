import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isRefused, prune, transform } from '@tp/compiler'
import { constantOf, type MethodEntry, schedule } from '@tp/core'
import { initialValues, learnedBytes, needsValues, paramsAt } from '@tp/core/host'
import { randomNumbers } from '@tp/core/statistics'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { type Fusion, fusedEncoder, inTurn, lessPrecision, type Precision } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadMethods } from '../src/plugins/load-methods.ts'
import { words, wordTokenizer } from './small-models.ts'
import { type Ended, fixture, temporaryFolder, tpHere } from './tp.ts'

/**
 * Pairs of what a user combines: every method prunes files of every precision and fusion (here without the command line, since there
 * are 306 pairs), and every command takes every form, by a method that changes from row to row. An ordinary run has every method, every
 * form and every command, but not with each other.
 */
const commands = ['inspect', 'prune', 'pack', 'explain', 'eval', 'train'] as const
type CommandName = (typeof commands)[number]

interface Form {
  readonly name: string
  readonly model: Model
  readonly classes: number
  readonly sizes: Readonly<Record<string, number>>
}

const layerCount = 3
const plain = decodeModel(readFileSync(fixture('bert-cls-eager-ts11')))
const exported = { classes: 5, sizes: { D: 32, H: 4, T: 16 } }
const fused = { classes: 3, sizes: { D: 8, H: 2, T: 16 } }
const precisions: readonly Precision[] = ['float16', 'dynamic int8', 'QDQ', '4-bit']
const fusions: readonly Fusion[] = ['Attention', 'MultiHeadAttention', "ONNX's Attention", 'QAttention']
const forms: readonly Form[] = [
  { name: 'float32', model: plain, ...exported },
  ...precisions.map((name) => ({ name, model: lessPrecision(plain, name), ...exported })),
  ...fusions.map((fusion) => ({
    name: fusion,
    model: fusedEncoder({ fusion, layerCount, norm: 'post', pooling: 'cls', seed: 5, longest: 16 }),
    ...fused,
  })),
]

/** Refusals that say what cannot be done: no gradients of weights of 4 bits, no packed form. Pruning is never refused. */
const mayRefuse: Readonly<Partial<Record<CommandName, readonly string[]>>> = {
  pack: ['TP_PACK', 'TP_PRUNED'],
  explain: ['TP_GRADIENT'],
  // Weights in half precision do not learn, and none of 8 bits.
  train: ['TP_GRADIENT', 'TP_OPTION', 'TP_QUANTIZED'],
}

const folder = temporaryFolder()
const inForm = (form: Form, file: string): string => folder.at(`${forms.indexOf(form)}`, file)
/** Those for texts; one that looks for silence refuses them (packages/method-hybrid tests it). */
const methods = [...(await loadMethods([])).values()]
  .map(({ entry }) => entry)
  .filter((entry) => !entry.create().unscheduled)

beforeAll(() => {
  for (const form of forms) {
    mkdirSync(folder.at(`${forms.indexOf(form)}`))
    writeFileSync(inForm(form, 'model.onnx'), encodeModel(form.model))
    writeFileSync(inForm(form, 'tokenizer.json'), wordTokenizer())
    const sentence = (i: number): string =>
      Array.from({ length: 3 + (i % 5) }, (_, j) => words[5 + ((i + j * 3) % 4)]).join(' ')
    const lines = Array.from({ length: 20 }, (_, i) => `${i % form.classes}\t${sentence(i)}\n`)
    writeFileSync(inForm(form, 'data.tsv'), lines.slice(0, 10).join(''))
    writeFileSync(inForm(form, 'other.tsv'), lines.slice(10).join(''))
  }
})

/** Trained values of a method at a layer, before anything was learned; none where it can do without. */
function valuesOf(entry: MethodEntry, form: Form, layer: number): ReturnType<typeof initialValues> {
  const needed = Object.entries(paramsAt(entry.create(), layer)).filter(([, { optional }]) => optional !== true)
  return initialValues(Object.fromEntries(needed), form.sizes, randomNumbers(7))
}

function weightsOf(entry: MethodEntry, form: Form): string[] {
  if (!needsValues(entry.create())) return []
  const learned = Array.from({ length: layerCount }, (_, layer) => [layer, valuesOf(entry, form, layer)] as const)
  const path = inForm(form, `${entry.name}.safetensors`)
  writeFileSync(path, learnedBytes(new Map(learned)))
  return ['--weights', path]
}

async function runCommand(command: CommandName, entry: MethodEntry, form: Form): Promise<Ended> {
  const { name } = entry
  const [model, out] = [inForm(form, 'model.onnx'), inForm(form, `${name}.onnx`)]
  const data = ['--data', inForm(form, 'data.tsv')]
  const budget = name === 'none' ? [] : ['--keep', '0.6', '--layers', '0,1']
  const weights = weightsOf(entry, form)
  const pruning = ['prune', model, '-o', out, '--method', name, ...budget, ...weights]
  switch (command) {
    case 'prune':
      return await tpHere(pruning)
    case 'inspect':
    case 'pack': {
      const pruned = await tpHere(pruning)
      if (pruned.code !== 0) throw new Error(pruned.stderr)
      return await tpHere(command === 'inspect' ? ['inspect', out] : ['pack', out, '-o', inForm(form, 'packed.onnx')])
    }
    case 'explain':
      return await tpHere(['explain', model, ...data, '--method', name, ...budget, ...weights])
    case 'eval':
      return await tpHere(['eval', model, ...data, '--methods', name, ...budget, ...weights])
    case 'train': {
      const more = ['--selection', inForm(form, 'other.tsv'), '--set', 'epochs=1', '--keep', '0.6']
      return await tpHere(['train', model, '-o', inForm(form, 'trained.onnx'), '--method', name, ...data, ...more])
    }
  }
}

const timeout = 120_000

describe('every method prunes a file', () => {
  for (const [row, form] of forms.entries()) {
    test(form.name, { timeout }, () => {
      const refused = inTurn(methods, row, 4).flatMap((entry) => {
        const params = (layer: number) =>
          Object.fromEntries(
            Object.entries(valuesOf(entry, form, layer)).map(([name, x]) => [name, constantOf(x, () => x.data)]),
          )
        const amounts = schedule(layerCount, { layers: [0, 1], keep: 0.6 })
        try {
          transform(form.model, prune({ method: entry.create(), schedule: amounts, params }))
          return []
        } catch (error) {
          if (isRefused(error)) return [`${entry.name}: ${error.refusal.code} ${error.refusal.message}`]
          throw error
        }
      })
      expect(refused).toEqual([])
    })
  }
})

describe('every command accepts a file, or refuses it with an allowed reason', () => {
  for (const [i, form] of forms.entries()) {
    for (const command of inTurn(commands, i, 1)) {
      const j = commands.indexOf(command)
      const entry = methods[(i * commands.length + j) % methods.length] as MethodEntry
      test(`${form.name}, ${command}, by ${entry.name}`, { timeout }, async () => {
        const { code, stderr } = await runCommand(command, entry, form)
        const refused = /TP_[A-Z_]+/.exec(stderr)?.[0]
        // A file in float32 with plain operators is served by all commands.
        const allowed = form.name === 'float32' ? [] : (mayRefuse[command] ?? [])
        expect(code === 0 ? 'done' : refused, stderr).toSatisfy((seen) => seen === 'done' || allowed.includes(seen))
      })
    }
  }
})
