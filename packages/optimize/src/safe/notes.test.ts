import { readFileSync } from 'node:fs'
import { type Inspection, inspect } from '@tp/compiler'
import { modelPath } from '@tp/models'
import { cloneModel, decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { pruningNotes } from './notes.ts'

const model = decodeModel(readFileSync(modelPath('mail')))
const found = inspect(model)
if (!found.ok) throw new Error(found.refusal.message)

type EncoderSummary = Inspection['encoders'][number]

const texts: EncoderSummary = { name: 'input_ids', layerCount: 6 }
const images: EncoderSummary = { name: 'pixel_values', layerCount: 3 }
const refused: EncoderSummary = { ...images, refusal: { code: 'TP_MASK', message: 'its mask is not known' } }

/** The notes on a pruning of the first encoder of a file. */
function notesOn(...encoders: EncoderSummary[]): string[] {
  return pruningNotes({ model, encoders: [], inspections: [{ ...(found as Inspection), encoders }] })
}

test('says which encoder of a file is left as it is, and why', () => {
  expect(notesOn(texts, refused)).toEqual(['pixel_values is left as it is: its mask is not known'])
})

test('names the file to prune instead where such an encoder was pruned before', () => {
  const step = { version: '0', method: 'stride', encoder: 'pixel_values', layerCount: 3, schedule: {} }
  const before = cloneModel(model)
  const record = { key: 'tp.pruning', value: JSON.stringify([{ ...step, protectedTokens: [], cuts: [] }]) }
  before.proto.metadataProps.push(record as (typeof before.proto.metadataProps)[number])
  const inspections = [{ ...(found as Inspection), encoders: [texts, refused] }] as const
  expect(pruningNotes({ model: before, encoders: [], inspections })).toEqual([
    expect.stringMatching(
      /^pixel_values is left as it is: .*; to prune more of it, prune the file that this one was made from/,
    ),
  ])
})

test('says nothing of encoders that could be pruned, nor of others where one of several is named', () => {
  expect(notesOn(texts)).toEqual([])
  expect(notesOn(texts, images)).toEqual([])
  expect(notesOn(texts, images, { ...refused, name: 'audio' })).toEqual([])
})
