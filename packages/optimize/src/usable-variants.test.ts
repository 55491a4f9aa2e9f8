import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MethodEntry } from '@tp/core'
import { methods } from '@tp/method-attention'
import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { usableVariants } from './usable-variants.ts'

/** Its head takes the mean of all tokens, so that it has no class token. */
const path = fileURLToPath(
  new URL('../../../tools/exported-encoders/fixtures/timm-vit-avgpool-ts17/model.onnx', import.meta.url),
)
const model = decodeModel(readFileSync(path))

function variant(name: string, optional?: boolean) {
  const entry = methods.find((each) => each.name === name) as MethodEntry
  return { entry, name, method: entry.create(), ...(optional !== undefined && { optional }) }
}

test('skips an optional method that the model cannot serve, and says why', () => {
  const all = [variant('received-attention', true), variant('cls-attention', true)]
  const { variants, skipped } = usableVariants(model, all, { sites: [0, 1] })
  expect(variants).toEqual([all[0]])
  expect(skipped).toEqual([
    { name: 'cls-attention', code: 'TP_NO_CLASS_TOKEN', reason: expect.stringContaining('no class token') },
  ])
})

test('throws the refusal of a method that is not optional', () => {
  const all = [variant('received-attention'), variant('cls-attention')]
  expect(() => usableVariants(model, all, { sites: [0, 1] })).toThrow(
    expect.objectContaining({ code: 'TP_NO_CLASS_TOKEN', message: expect.stringContaining('cls-attention: ') }),
  )
})

test('throws the reasons of all if no method can be used', () => {
  const all = [variant('cls-attention', true), variant('balanced', true)]
  expect(() => usableVariants(model, all, { sites: [0, 1] })).toThrow(
    expect.objectContaining({
      code: 'TP_NO_CLASS_TOKEN',
      message: expect.stringMatching(/cls-attention: .*balanced: /),
    }),
  )
})
