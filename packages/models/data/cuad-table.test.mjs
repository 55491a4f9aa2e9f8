import { describe, expect, test } from 'vitest'
import { literalsOf, rowsOf } from './cuad-table.mjs'

describe('rowsOf', () => {
  test('reads quoted cells with commas, quotes and line breaks', () => {
    expect(rowsOf('a,b\r\n"x, ""y""\nz",\n1,2')).toEqual([
      ['a', 'b'],
      ['x, "y"\nz', ''],
      ['1', '2'],
    ])
  })
})

describe('literalsOf', () => {
  test('reads both kinds of quotes and escapes', () => {
    expect(literalsOf(`['it is', "it's", 'a \\'b\\' \\xa7 \\u2019\\n']`)).toEqual(['it is', "it's", "a 'b' § ’\n"])
  })

  test('returns nothing for an empty list', () => {
    expect(literalsOf('[]')).toEqual([])
  })
})
