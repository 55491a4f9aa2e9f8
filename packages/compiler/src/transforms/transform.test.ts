import { readFileSync } from 'node:fs'
import { none, random, schedule } from '@tp/core'
import { keyNorm, lastQuery } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { cloneModel, decodeModel, encodeModel, type Model, metadata } from '@tp/onnx'
import { decoderPath } from 'exported-decoders'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Condition,
  fixImageSize,
  isRefused,
  lastLogits,
  leaveOut,
  order,
  PRUNE_DEFAULTS,
  type PruneReport,
  pack,
  planFields,
  prune,
  pruneImageTokens,
  prunePrompt,
  type QuantizeReport,
  quantize,
  quantizeCaches,
  Refused,
  readAnyStates,
  readClassToken,
  readLastToken,
  reportOf,
  smooth,
  type Transform,
  transform,
  weighStates,
} from '../index.ts'

const mail = decodeModel(readFileSync(modelPath('mail')))
const decoder = decodeModel(readFileSync(decoderPath('llama')))
const half = prune({ method: keyNorm(), schedule: schedule(6, { keep: 0.5, layers: [1] }) })
const prompt = prunePrompt({ method: lastQuery(), amount: { kind: 'ratio', value: 0.5 }, layer: 0 })
const exact = prune({ method: none(), schedule: new Map() })

/** A transform of somebody else: notes a word in the metadata. */
function note(word: string, requires: readonly Condition[] = []): Transform<{ transform: 'note'; letters: number }> {
  return {
    name: 'note',
    requires,
    ensures: [noted(word)],
    apply({ model }) {
      const changed = cloneModel(model)
      metadata(changed).set('note', word)
      return { model: changed, report: { transform: 'note', letters: word.length } }
    },
  }
}

function noted(word: string): Condition {
  return {
    name: `notes ${word}`,
    check({ model }) {
      if (metadata(model).get('note') !== word) throw new Refused('TP_NAME', `it does not note ${word}`)
    },
  }
}

describe('several transforms', () => {
  const { model, reports } = transform(mail, leaveOut({ layers: [3] }), half, quantize({ reduceRange: true }))

  test('give the same bytes as one after the other', () => {
    const shallow = transform(mail, leaveOut({ layers: [3] })).model
    const pruned = transform(shallow, half).model
    expect(encodeModel(model)).toEqual(encodeModel(transform(pruned, quantize({ reduceRange: true })).model))
  })

  test('give a report each, of its own type', () => {
    expect(reports.map(({ transform }) => transform)).toEqual(['leaveOut', 'prune', 'quantize'])
    expectTypeOf(reports[1]).toEqualTypeOf<PruneReport>()
    expectTypeOf(reports[2]).toEqualTypeOf<QuantizeReport>()
    expect(reports[0]).toEqual({ transform: 'leaveOut', layers: [3], of: 6 })
    expect(reports[1].cuts.map(({ layer }) => layer)).toEqual([1])
    expect(reports[2].nodes.length).toBeGreaterThan(8)
    expect(reportOf(reports, 'quantize')).toBe(reports[2])
    expect(reportOf(transform(mail, half as Transform).reports, 'quantize')).toBeUndefined()
  })

  test('do not change the model', () => {
    const before = encodeModel(mail)
    transform(mail, half, quantize(), pack())
    expect(encodeModel(mail)).toEqual(before)
    expect(transform(mail)).toEqual({ model: mail, reports: [], steps: [] })
  })
})

describe('the order', () => {
  const all = [
    fixImageSize({ imageSize: '224x224' }),
    readAnyStates(),
    weighStates({ encoder: mail }),
    readClassToken({ output: 'x' }),
    readLastToken({ output: 'x' }),
    leaveOut({ layers: [0] }),
    half,
    pruneImageTokens({ method: random(), tokens: 1 }),
    lastLogits(),
    prompt,
    smooth({ ranges: new Map() }),
    quantize(),
    quantizeCaches(),
    pack(),
  ]

  test('names every transform', () => {
    expect(all.map(({ name }) => name)).toEqual(order)
  })

  test('names the right order where transforms have another, before any of them is applied', () => {
    const message = '[compiler] leaveOut comes after quantize; the order that fits is leaveOut, prune, quantize'
    expect(() => transform(mail, half, quantize(), leaveOut({ layers: [99] }))).toThrow(
      expect.objectContaining({ code: 'TP_ORDER', message }),
    )
  })

  test('allows a transform twice, and those of others anywhere', () => {
    const again = prune({ method: random(), schedule: schedule(6, { keep: 0.5, layers: [3] }) })
    const { reports } = transform(mail, half, note('first'), again, note('second'))
    expect(reports.map(({ transform }) => transform)).toEqual(['prune', 'note', 'prune', 'note'])
  })

  test.each<[string, Model, Transform, string]>([
    ['prune', transform(mail, exact).model, leaveOut({ layers: [0] }), 'TP_PRUNED'],
    ['quantize', transform(mail, quantize()).model, quantize(), 'TP_QUANTIZED'],
    ['lastLogits', transform(decoder, lastLogits()).model, prompt, 'TP_DECODER'],
    ['prunePrompt', transform(decoder, prompt).model, prompt, 'TP_PRUNED'],
    ['quantizeCaches', transform(decoder, quantizeCaches()).model, lastLogits(), 'TP_QUANTIZED'],
    ['pack', transform(mail, pack()).model, half, 'TP_PACK'],
  ])('the conditions of files show the order, too: after %s', (_, changed, earlier, code) => {
    expect(() => transform(changed, earlier)).toThrow(expect.objectContaining({ code }))
  })
})

describe('programs without types', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a name', 'pack'],
    ['the function that makes one', pack],
    ['a list of transforms', [pack()]],
    ['an object without conditions', { name: 'mine', apply: () => undefined }],
  ])('get a code for %s in place of a transform', (_, value) => {
    const run = () => transform(mail, value as Transform)
    expect(run).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  })

  test.each<[string, (options: never) => Transform]>([
    ['prune', prune],
    ['fixImageSize', fixImageSize],
    ['leaveOut', leaveOut],
    ['lastLogits', lastLogits],
    ['prunePrompt', prunePrompt],
    ['readAnyStates', readAnyStates],
    ['readClassToken', readClassToken],
    ['readLastToken', readLastToken],
    ['smooth', smooth],
    ['quantize', quantize],
  ])('get a code for options of %s that do not exist, and for values that are not options', (_, make) => {
    for (const options of [null, 3, [3], { keeep: 0.5 }]) {
      expect(() => make(options as never)).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
    }
  })

  test('see what a transform of theirs must return', () => {
    const base = { name: 'mine', requires: [], ensures: [] }
    for (const result of [undefined, Promise.resolve(), { model: mail }]) {
      const mine = { ...base, apply: () => result } as unknown as Transform
      expect(() => transform(mail, mine)).toThrow(/^mine must return a model and a report/)
    }
  })
})

describe('conditions', () => {
  test('checks conditions before a transform and after it', () => {
    expect(() => transform(mail, note('a', [noted('b')]))).toThrow(expect.objectContaining({ code: 'TP_NAME' }))
    expect(() => transform(mail, note('b'), note('a', [noted('b')]))).not.toThrow()
  })

  test('reports conditions that a transform does not ensure as its mistake, not as a refusal', () => {
    const idle: Transform = {
      ...note('a'),
      name: 'idle',
      apply: ({ model }) => ({ model, report: { transform: 'idle' } }),
    }
    let thrown: unknown
    try {
      transform(mail, idle)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toEqual(new Error('idle must ensure that the model notes a: it does not note a'))
    expect(isRefused(thrown)).toBe(false)
  })

  test('share what they find out with their transform', () => {
    let found = 0
    const count = (): number => ++found
    const counting: Condition = { name: 'is counted', check: (subject) => void subject.once(count) }
    const own: Transform = {
      ...{ name: 'own', requires: [counting, counting], ensures: [] },
      apply: (subject) => ({ model: subject.model, report: { transform: `${subject.once(count)}` } }),
    }
    expect(transform(mail, own).reports).toEqual([{ transform: '1' }])
    expect(found).toBe(1)
  })

  test('know what all transforms began with', () => {
    const sources: Model[] = []
    const seeing: Transform = {
      ...note('x'),
      apply(subject) {
        sources.push(subject.source)
        return note('x').apply(subject)
      },
    }
    transform(mail, half, seeing)
    expect(sources).toEqual([mail])
  })
})

test('a refusal is plain data in an error of the toolkit', () => {
  let thrown: unknown
  try {
    transform(decoder, half)
  } catch (error) {
    thrown = error
  }
  expect(isRefused(thrown)).toBe(true)
  const { refusal, code, message } = thrown as Refused
  expect({ code, message }).toEqual({ code: refusal.code, message: `[compiler] ${refusal.message}` })
  expect(structuredClone(refusal)).toEqual(refusal)
})

test('defaults are those that the fields of plans state', () => {
  expect(planFields.protect.default).toBe(PRUNE_DEFAULTS.protect)
  expect(planFields.restore.default).toBe(PRUNE_DEFAULTS.restore)
})
