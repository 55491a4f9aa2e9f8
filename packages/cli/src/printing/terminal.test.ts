import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutTo, terminalColumns, widthOf, wrapped } from './terminal.ts'

const line = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '█', '…', '漢', '👍', '×', '−'), maxLength: 60 })

test('cuts a line to the terminal, whatever is in it, and leaves a shorter one as it is', () => {
  fc.assert(
    fc.property(line, fc.integer({ min: 4, max: 70 }), (text, columns) => {
      const cut = cutTo(text, columns)
      expect(widthOf(cut)).toBeLessThanOrEqual(columns)
      if (widthOf(text) <= columns) expect(cut).toBe(text)
      else expect(text.startsWith(cut.slice(0, -1)) && cut.endsWith('…')).toBe(true)
    }),
  )
})

test('wraps long lines, loses no word, and leaves text that goes to no terminal alone', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/)
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), fc.integer({ min: 20, max: 80 }), (words, columns) => {
      const text = words.join(' ')
      const lines = wrapped(text, columns).split('\n')
      expect(lines.every((one) => widthOf(one) <= columns)).toBe(true)
      expect(lines.join(' ').split(/ +/)).toEqual(words)
      expect(wrapped(text, terminalColumns({ isTTY: false, columns }))).toBe(text)
    }),
  )
})

test('sets a description under its beginning, and other lines under their first word', () => {
  expect(wrapped('  --keep R  a fraction of the tokens that is kept', 30)).toBe(
    '  --keep R  a fraction of the\n            tokens that is\n            kept',
  )
  expect(wrapped('ok  node  a runtime that computes', 20)).toBe(
    'ok  node  a runtime\n          that\n          computes',
  )
  expect(wrapped('    four words are indented', 16)).toBe('    four words\n    are indented')
})

test('breaks no word: a column that is too narrow for one is set under its label', () => {
  expect(wrapped('  --runtime NAME      default: @tp/runtime-native-and-more', 40)).toBe(
    '  --runtime NAME\n      default:\n      @tp/runtime-native-and-more',
  )
  expect(wrapped('  --task NAME  what it is for: classification', 24)).toBe(
    '  --task NAME\n      what it is for:\n      classification',
  )
})

test('divides a list of names that is longer than a line, and leaves a path whole', () => {
  expect(wrapped('  --task classification|tokens|embeddings|ranking', 30)).toBe(
    '  --task\n  classification|tokens|\n  embeddings|ranking',
  )
  const path = `/home/someone/${'models/'.repeat(8)}model.onnx`
  expect(wrapped(`[tp] ${path} is not a model`, 40)).toBe(`[tp]\n${path}\nis not a model`)
})
