import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printable } from './printable.ts'

/** Bytes that a terminal may obey: all below 0x20 but the line break, DEL, and C1. */
const isControl = (text: string): boolean => {
  const code = text.codePointAt(0) as number
  return (code < 0x20 && text !== '\n') || (code >= 0x7f && code < 0xa0)
}
const anything = fc.string({
  unit: fc.oneof(
    fc.nat(0xff).map((code) => String.fromCharCode(code)),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
})

test('removes every control character except line breaks, and changes nothing else', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const shown = printable(text)
      expect([...shown].some(isControl)).toBe(false)
      const expected = [...text].map((one) =>
        isControl(one) ? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}` : one,
      )
      expect(shown).toBe(expected.join(''))
    }),
  )
})

test('keeps JSON the JSON of the same value', () => {
  fc.assert(
    fc.property(fc.record({ name: anything, list: fc.array(anything) }), (value) => {
      expect(JSON.parse(printable(JSON.stringify(value, undefined, 2)))).toEqual(value)
    }),
  )
})

test('passes only bold of all terminal codes, and only where the terminal shows it', () => {
  const text = '\u001b[1mbold\u001b[22m \u001b[31mred\u001b[1A'
  expect(printable(text)).toBe('\\u001b[1mbold\\u001b[22m \\u001b[31mred\\u001b[1A')
  expect(printable(text, true)).toBe('\u001b[1mbold\u001b[22m \\u001b[31mred\\u001b[1A')
})
