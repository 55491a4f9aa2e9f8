import { describe, expect, test } from 'vitest'
import { sentencePrompts } from './sentence-prompts.ts'

describe('prompts of Sentence Transformers', () => {
  test('finds no prompts where no file names any, or all are empty', () => {
    for (const config of [undefined, {}, { prompts: {} }, { prompts: { query: '', document: '' } }, { prompts: 3 }])
      expect(sentencePrompts(config)).toBeUndefined()
  })

  test.each([
    [{ query: 'q: ', passage: 'p: ' }, null, ['q: ', '', '']],
    [{ query: 'q: ', passage: 'p: ', document: 'd: ' }, null, ['q: ', 'd: ', '']],
    [{ search: 's: ' }, 'search', ['', '', 's: ']],
    [{ query: 'q: ', search: 's: ' }, 'search', ['q: ', '', 's: ']],
    [{ query: 'q: ' }, 'document', ['q: ', '', '']],
  ])('takes %j with the default %j as encode_query, encode_document and encode do', (prompts, usual, found) => {
    const { query, document, text } = sentencePrompts({ prompts, default_prompt_name: usual }) ?? {}
    expect([query, document, text]).toEqual(found)
  })

  test('refuses a default prompt that is not there', () => {
    const config = { prompts: { search: 's: ' }, default_prompt_name: 'serach' }
    expect(() => sentencePrompts(config)).toThrow(
      expect.objectContaining({
        code: 'TP_DATA',
        message: expect.stringMatching(/"serach", which is not among its prompts: "query", "document", "search"/),
      }),
    )
  })

  test('says whether they count for the vector', () => {
    const config = { prompts: { query: 'q: ' } }
    expect(sentencePrompts(config, { include_prompt: false })).toMatchObject({ isPooled: false })
    expect(sentencePrompts(config, {})).toMatchObject({ isPooled: true })
  })
})
